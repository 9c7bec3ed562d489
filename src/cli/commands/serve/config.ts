/** `metaheac config`: prints every setting with its value and origin. */

import type { Output } from '../../../lib/output.ts';
import { alignColumns } from '../../../lib/text/tables.ts';
import type { Origin, Settings } from '../../../service/settings/environment.ts';
import { SETTINGS, type Setting } from '../../../service/settings/setting-list.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';

/** Shown in place of a secret of any length. */
const MASK = '********';

/** @throws the errors of `readSettings` */
export function configCommand(flags: FlagValues & { json?: boolean }, output: Output): void {
  const settings = settingsOf(flags);
  if (flags.json) {
    output.result(JSON.stringify({ settings: SETTINGS.map((setting) => present(setting, settings)) }));
    return;
  }
  const rows = SETTINGS.map((setting) => {
    const { key, unit } = setting;
    const value = shownValue(setting, settings);
    const isMissing = value === null || (Array.isArray(value) && value.length === 0);
    const shown = isMissing ? `(${whatIfMissing(setting, settings)})` : value;
    return [key, String(shown), unit ?? '', describeOrigin(settings.origins.get(setting.variable)!)];
  });
  for (const line of alignColumns([['setting', 'value', 'unit', 'origin'], ...rows], 'llll')) output.result(line);
}

function present(setting: Setting, settings: Settings) {
  const { key, variable, unit, secretFile, isFlag, description } = setting;
  const origin = settings.origins.get(setting.variable)!;
  return {
    key,
    // most secrets have no flag, only a flag for the file that contains the secret
    flag: (isFlag || secretFile === null ? setting : secretFile).flag,
    variable,
    value: shownValue(setting, settings),
    unit,
    secret: secretFile !== null,
    origin: describeOrigin(origin),
    from: origin.kind,
    description,
  };
}

/** The value to print; null for a setting without a value. */
function shownValue({ variable, limit, secretFile }: Setting, { values }: Settings): unknown {
  const { limits, ...own } = values;
  const value = (limit === null ? own[variable as keyof typeof own] : limits[limit]) ?? null;
  return value !== null && secretFile !== null ? MASK : value;
}

/** What a setting without a value means for this service. */
function whatIfMissing({ variable, byDefault }: Setting, { values }: Settings): string {
  if (values.METAHEAC_STORE === undefined) return byDefault;
  if (variable === 'METAHEAC_DATA_DIR') return 'none in a cluster';
  return variable === 'METAHEAC_MODEL' || variable === 'METAHEAC_POPULATION' ? 'what the cluster serves' : byDefault;
}

/** The origin of a value: `flag --port`, `environment METAHEAC_PORT`, `metaheac.yaml:3` or `default`. */
function describeOrigin(origin: Origin): string {
  if (origin.kind === 'default') return 'default';
  const place = origin.kind === 'file' ? `${origin.path}:${origin.line}` : `${origin.kind} ${origin.name}`;
  return origin.secretFile === undefined ? place : `${place} (${origin.secretFile})`;
}
