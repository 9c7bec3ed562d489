/** Every setting of `metaheac serve`, limits included: its names, its schema, what is told about it. */
import { z } from 'zod';
import { LIMIT_GROUPS, LIMITS, type LimitName, variableOf } from '../../http/limits.ts';
import { SETTING_WORDS, settingsSchema, whole } from './settings.ts';

/** The default maximum of a limit. */
const MAXIMUM_LIMIT = 2 ** 40;

/** `body_limit_bytes`, `--body-limit-bytes`, `METAHEAC_BODY_LIMIT_BYTES`. */
export interface SettingNames {
  /** In a configuration file. */
  readonly key: string;
  readonly flag: `--${string}`;
  readonly variable: string;
}

export interface Setting extends SettingNames {
  /** Takes the text that was given, or undefined; returns the value. */
  readonly schema: z.ZodType<unknown>;
  /** The limit that it is; null of the other settings. */
  readonly limit: LimitName | null;
  readonly group: string;
  readonly unit: string | null;
  /** The value if nothing is given, or in words what then happens. */
  readonly byDefault: string;
  readonly description: string;
  readonly isPath: boolean;
  readonly isList: boolean;
  readonly isSwitch: boolean;
  /** Names of the setting that is a file with the secret; null of a setting that is no secret. */
  readonly secretFile: SettingNames | null;
}

const SERVICE_GROUP = 'Service';

/** The file of the settings: a flag and a variable, and no key of itself. */
export const CONFIG_FILE: Pick<SettingNames, 'flag' | 'variable'> = namesOf('METAHEAC_CONFIG');

/** In the order of docs/settings.md. */
export const SETTINGS: readonly Setting[] = [
  ...Object.entries(settingsSchema.shape).map(([variable, schema]) => ownSetting(variable, schema)),
  ...Object.entries(LIMIT_GROUPS).flatMap(([group, rows]) =>
    Object.keys(rows).map((name) => limitSetting(name as LimitName, group)),
  ),
];

/** The one schema: values by variable. */
export const serviceSchema = z.object(Object.fromEntries(SETTINGS.map(({ variable, schema }) => [variable, schema])));

/** Every pair of names that may be given: of the settings, and of the files of secrets. */
export const ALL_NAMES: readonly SettingNames[] = SETTINGS.flatMap((setting) =>
  setting.secretFile === null ? [setting] : [setting, setting.secretFile],
);

/** The other names of a variable. */
export function namesOf(variable: string): SettingNames {
  const key = variable.replace(/^METAHEAC_/, '').toLowerCase();
  return { variable, key, flag: `--${key.replaceAll('_', '-')}` };
}

function ownSetting(variable: string, schema: z.ZodType<unknown>): Setting {
  const { description, byDefault, isSecret, isPath, isList, isSwitch } = SETTING_WORDS.get(schema)!;
  return {
    ...namesOf(variable),
    schema,
    limit: null,
    group: SERVICE_GROUP,
    unit: null,
    byDefault: byDefault ?? String(schema.parse(undefined)),
    description,
    isPath: isPath === true,
    isList: isList === true,
    isSwitch: isSwitch === true,
    secretFile: isSecret ? namesOf(`${variable}_FILE`) : null,
  };
}

function limitSetting(name: LimitName, group: string): Setting {
  const { default: value, unit, description, least = 1, most = MAXIMUM_LIMIT } = LIMITS[name];
  return {
    ...namesOf(variableOf(name)),
    schema: whole(least, most).default(value),
    limit: name,
    group,
    unit,
    byDefault: String(value),
    description,
    isPath: false,
    isList: false,
    isSwitch: false,
    secretFile: null,
  };
}
