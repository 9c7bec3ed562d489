/** All settings of `metaheac serve`, including limits: names, schemas and documentation. */
import { z } from 'zod';
import { variableOf } from '../../lib/limits.ts';
import { LIMIT_NAMES, LIMITS, type LimitName } from '../limits.ts';
import { SETTING_WORDS, settingsSchema, whole } from './settings.ts';

/** `body_limit_bytes`, `--body-limit-bytes`, `METAHEAC_BODY_LIMIT_BYTES`. */
export interface SettingNames {
  /** Key in a configuration file. */
  readonly key: string;
  readonly flag: `--${string}`;
  readonly variable: string;
}

export interface Setting extends SettingNames {
  /** Converts the text of the setting (undefined if it is not set) to its value. */
  readonly schema: z.ZodType<unknown>;
  /** Name of the limit; null for other settings. */
  readonly limit: LimitName | null;
  readonly unit: string | null;
  /** Default value, or a description of the default behaviour. */
  readonly byDefault: string;
  readonly description: string;
  readonly isPath: boolean;
  readonly isList: boolean;
  readonly isSwitch: boolean;
  /** Names of the setting for the secret's file path; null if this setting is not a secret. */
  readonly secretFile: SettingNames | null;
  /** Whether the value itself may be a flag. Of a secret, only the path of its file may. */
  readonly isFlag: boolean;
}

/** Names of the setting for the path of the configuration file. This setting has a flag and a variable, but no key. */
export const CONFIG_FILE: Pick<SettingNames, 'flag' | 'variable'> = namesOf('METAHEAC_CONFIG');

/** All settings, in the order of docs/settings.md. */
export const SETTINGS: readonly Setting[] = [
  ...Object.entries(settingsSchema.shape).map(([variable, schema]) => ownSetting(variable, schema)),
  ...LIMIT_NAMES.filter((name) => LIMITS[name].isSetting).map(limitSetting),
];

/** Schema of all settings: an object with one property per variable. */
export const serviceSchema = z.object(Object.fromEntries(SETTINGS.map(({ variable, schema }) => [variable, schema])));

/** All known names: the names of settings, and of files with secrets. */
export const ALL_NAMES: readonly SettingNames[] = SETTINGS.flatMap((setting) =>
  setting.secretFile === null ? [setting] : [setting, setting.secretFile],
);

/** Other names of a variable: its flag and its key. */
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
    unit: null,
    byDefault: byDefault ?? String(schema.parse(undefined)),
    description,
    isPath: isPath === true,
    isList: isList === true,
    isSwitch: isSwitch === true,
    secretFile: isSecret ? namesOf(`${variable}_FILE`) : null,
    isFlag: isSecret !== true,
  };
}

function limitSetting(name: LimitName): Setting {
  const { value, unit, description, least, most } = LIMITS[name];
  return {
    ...namesOf(variableOf(name)),
    schema: whole(least, most).default(value),
    limit: name,
    unit,
    byDefault: String(value),
    description,
    isPath: false,
    isList: false,
    isSwitch: false,
    secretFile: null,
    isFlag: true,
  };
}
