/** Reads the files of one version: its segments, and the places of its users. */
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import type { SegmentMemory } from '../read/segment-memory.ts';
import { decodeSegment, type Rows } from '../read/segments.ts';
import { featuresOf, type Manifest } from './manifest.ts';
import { readCheckedFile } from './verify.ts';

/**
 * Reads a segment with all rows, including dead rows. If `into` is given, the rows are views of this memory. The sha256
 * is verified at each read, because a file may become damaged after the check at startup. @throws AppError
 * invalid_population
 */
export function readSegmentFile(folder: string, manifest: Manifest, index: number, into?: SegmentMemory): Rows {
  const { rows: count, ...file } = manifest.segments[index]!;
  const path = join(folder, manifest.version, file.path);
  const allocate = into && ((length: number) => into.take(length));
  const rows = decodeSegment(readCheckedFile(folder, { ...file, path }, allocate), featuresOf(manifest), path);
  if (rows.count !== count) throw new AppError('invalid_population', `${path} has ${rows.count} of ${count} rows`);
  return rows;
}

/**
 * Reads the file `row-of.i32`: for each user number, `segment * 65,536 + offset`, or -1 for a user without a row.
 * @throws AppError invalid_population
 */
export function readPlaces(folder: string, { version, row_of: recorded, directory }: Manifest): Int32Array {
  const path = join(folder, version, recorded.path);
  if (recorded.size !== directory.count * Int32Array.BYTES_PER_ELEMENT)
    throw new AppError('invalid_population', `${path} does not have one row for each user number`);
  return new Int32Array(readCheckedFile(folder, { ...recorded, path }).buffer);
}
