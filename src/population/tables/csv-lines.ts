/** Where the records of a CSV file begin: the lines of those that are to be told of. */
import { readLines } from '../../dataset/lines.ts';
import { AppError } from '../../lib/errors.ts';
import { isRemote } from '../source-files.ts';

/**
 * The line of each wanted record. Records are numbered from 1, the header is the first; a record that holds line ends
 * within quotes takes several lines, and an empty line is a record. Of a file that can't be read here (zst, remote, not
 * UTF-8), lines and records are taken to be one.
 */
export async function linesOfRecords(path: string, wanted: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const lines = new Map<number, number>();
  if (wanted.size === 0) return lines;
  if (!(await isReadable(path))) return new Map([...wanted].map((record) => [record, record]));
  let record = 0;
  let isOpen = false;
  for await (const batch of readLines(path)) {
    for (const [i, text] of batch.lines.entries()) {
      if (!isOpen) {
        record += 1;
        if (wanted.has(record)) lines.set(record, batch.firstLine + i);
        if (lines.size === wanted.size) return lines;
      }
      if (hasOddQuotes(text)) isOpen = !isOpen;
    }
  }
  return lines;
}

/**
 * The numbers of the records that are the given ones of those that were accepted (from 0): not the header, not empty,
 * not rejected.
 */
export async function recordsOfRows(
  path: string,
  rows: ReadonlySet<number>,
  rejected: ReadonlySet<number>,
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  const isCounted = (record: number) => record > 1 && !rejected.has(record);
  let [record, row, isOpen] = [0, 0, false];
  if (!(await isReadable(path))) {
    for (record = 2; found.size < rows.size; record++) {
      if (isCounted(record) && rows.has(row)) found.set(row, record);
      if (isCounted(record)) row += 1;
    }
    return found;
  }
  for await (const batch of readLines(path)) {
    for (const text of batch.lines) {
      if (!isOpen) {
        record += 1;
        if (isCounted(record) && text !== '') {
          if (rows.has(row)) found.set(row, record);
          row += 1;
        }
        if (found.size === rows.size) return found;
      }
      if (hasOddQuotes(text)) isOpen = !isOpen;
    }
  }
  return found;
}

async function isReadable(path: string): Promise<boolean> {
  if (path.endsWith('.zst') || isRemote(path)) return false;
  try {
    for await (const _ of readLines(path));
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}
