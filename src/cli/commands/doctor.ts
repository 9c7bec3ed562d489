/** `metaheac doctor`. */
import { alignColumns } from '../../demo/table.ts';
import { systemClock } from '../../lib/clock.ts';
import { counted } from '../../lib/counted.ts';
import type { Output } from '../../lib/output.ts';
import { examine } from '../doctor/examine.ts';
import { type Finding, worst } from '../doctor/finding.ts';
import { readMachine } from '../doctor/machine.ts';
import { readSettings } from '../environment.ts';
import { type FlagValues, flagsOf } from '../setting-options.ts';

export interface DoctorCommandOptions extends FlagValues {
  readonly json?: boolean;
}

/** Prints what was found; whether nothing failed. @throws AppError as `readSettings` */
export async function doctorCommand(options: DoctorCommandOptions, output: Output): Promise<boolean> {
  const settings = readSettings(process.env, flagsOf(options));
  const userId = process.getuid?.() ?? null;
  const all = await examine({ settings, machine: readMachine(), clock: systemClock, userId });
  const status = worst(all);
  if (options.json) output.result(JSON.stringify({ status, checks: all }));
  else for (const line of tableOf(all)) output.result(line);
  return status !== 'failed';
}

/** A line for each, advice below it, and a sum. */
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
