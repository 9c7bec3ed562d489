/** `metaheac doctor`. */

import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { counted } from '../../../lib/text/counted.ts';
import { alignColumns } from '../../../lib/text/tables.ts';
import type { Settings } from '../../../service/settings/environment.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { examine } from './doctor/examine.ts';
import { type Finding, failed, worst } from './doctor/finding.ts';
import { readMachine } from './doctor/machine.ts';

export interface DoctorCommandOptions extends FlagValues {
  readonly json?: boolean;
}

/** Prints the findings, and returns true if none has failed. */
export async function doctorCommand(options: DoctorCommandOptions, output: Output): Promise<boolean> {
  const all = await examineAll(options);
  const status = worst(all);
  if (options.json) output.result(JSON.stringify({ status, checks: all }));
  else for (const line of tableOf(all)) output.result(line);
  return status !== 'failed';
}

/** Reports invalid settings; nothing else can be examined until they are fixed. */
async function examineAll(options: FlagValues): Promise<readonly Finding[]> {
  let settings: Settings;
  try {
    settings = settingsOf(options);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const advice = 'Correct the setting (docs/settings.md lists all settings). Nothing else was examined.';
    return [failed('settings', error.message, advice)];
  }
  const userId = process.getuid?.() ?? null;
  return await examine({ settings, machine: readMachine(), clock: systemClock, userId });
}

/** Describes each finding on one line, with advice below it, and adds totals. */
function tableOf(all: readonly Finding[]): string[] {
  const lines = alignColumns(
    all.map(({ status, check, detail }) => [status, check, detail]),
    'lll',
  );
  const count = (status: Finding['status']) => all.filter((finding) => finding.status === status).length;
  return [
    ...all.flatMap(({ advice }, i) => (advice === null ? [lines[i]!] : [lines[i]!, `         -> ${advice}`])),
    '',
    `${counted(all.length, 'check')}: ${count('ok')} ok, ${counted(count('warning'), 'warning')}, ${count('failed')} failed`,
  ];
}
