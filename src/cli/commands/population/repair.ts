/** `metaheac population repair`. */

import type { Output } from '../../../lib/output.ts';
import { counted } from '../../../lib/text/counted.ts';
import { type ErasuresRepair, repairErasures } from '../../../population/erase.ts';

/** The exit code where something could not be made whole again. */
const NOT_ALL = 3;

/** Repairs the erasures of a population, and says what could not be. Exit code 0: all is whole; 3: not. */
export function populationRepairCommand(dir: string, options: { json?: boolean }, output: Output): void {
  const repair = repairErasures(dir);
  const isAll = repair.lost.length === 0 && repair.keyFault === null;
  if (options.json) output.result(JSON.stringify(present(repair)));
  else for (const line of describe(repair, dir)) output.result(line);
  if (!isAll) process.exitCode = NOT_ALL;
}

function describe(
  { whole, corrected, recovered, lost, cutBytes, aside, keyFault }: ErasuresRepair,
  dir: string,
): string[] {
  const lines =
    aside === null && recovered === 0
      ? [`erasures: all ${counted(whole, 'record')} whole, nothing to repair`]
      : [`erasures: ${whole} whole, ${corrected} corrected, ${recovered} recovered from ids that are overwritten`];
  for (const { first, count } of lost)
    lines.push(`  lost: ${counted(count, 'record')} from the one at ${first} on; nothing says whose they are`);
  if (lost.length > 0)
    lines.push(
      '  these users are known again, unless their ids are overwritten already: erase again whoever asked for it',
      `  (metaheac population erase ${dir} --ids FILE; those who are erased stay so)`,
    );
  if (recovered > 0)
    lines.push('  recovered users stay hidden; if an import has their ids again, they come in as new users');
  if (cutBytes > 0)
    lines.push(`  ${cutBytes} bytes at the end were cut off: an erasure that was not completed, or damage`);
  if (aside !== null) lines.push(`  what was damaged is in ${aside}`);
  if (keyFault !== null) lines.push(`  not repaired: ${keyFault}; restore it from a backup`);
  return lines;
}

function present({ whole, corrected, recovered, lost, cutBytes, aside, keyFault }: ErasuresRepair) {
  return { whole, corrected, recovered, lost, cut_bytes: cutBytes, aside, key_fault: keyFault };
}
