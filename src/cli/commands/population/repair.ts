/** `metaheac population repair`. */

import type { Output } from '../../../lib/output.ts';
import { counted } from '../../../lib/text/counted.ts';
import { type ErasuresRepair, repairErasures } from '../../../population/erase.ts';

/** Exit code if something could not be repaired. */
const NOT_ALL = 3;

/**
 * Repairs the erasure records of a population and reports lost records. Exit code 0: all records are intact; 3: some
 * are lost.
 */
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
      ? [`erasures: all ${counted(whole, 'record')} intact, nothing to repair`]
      : [`erasures: ${whole} intact, ${corrected} corrected, ${recovered} recovered from overwritten ids`];
  for (const { first, count } of lost)
    lines.push(`  lost: ${counted(count, 'record')} from position ${first} on; their users are unknown`);
  if (lost.length > 0)
    lines.push(
      '  unless their ids are already overwritten, the users of lost records are visible again: erase them again',
      `  (metaheac population erase ${dir} --ids FILE; users who are still erased stay erased)`,
    );
  if (recovered > 0)
    lines.push('  recovered users stay hidden; an import that contains their ids adds them as new users');
  if (cutBytes > 0) lines.push(`  ${cutBytes} bytes at the end were cut off: an incomplete erasure, or damage`);
  if (aside !== null) lines.push(`  the damaged file is in ${aside}`);
  if (keyFault !== null) lines.push(`  not repaired: ${keyFault}; restore the key from a backup`);
  return lines;
}

function present({ whole, corrected, recovered, lost, cutBytes, aside, keyFault }: ErasuresRepair) {
  return { whole, corrected, recovered, lost, cut_bytes: cutBytes, aside, key_fault: keyFault };
}
