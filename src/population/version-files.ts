/** Reads the files of one version: its segments, and where its users are in them. */
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { featuresOf, type Manifest } from './manifest.ts';
import type { SegmentMemory } from './segment-memory.ts';
import { decodeSegment, type Rows } from './segments.ts';
import { readVersionFile } from './verify.ts';

/** A segment with all its rows, the dead ones too, as views of `into` if given. @throws AppError invalid_population */
export function readSegmentFile(folder: string, manifest: Manifest, index: number, into?: SegmentMemory): Rows {
  const { path: file, size, rows: count } = manifest.segments[index]!;
  const path = join(folder, manifest.version, file);
  const bytes = readVersionFile({ path, size }, into && ((length) => into.take(length)));
  const rows = decodeSegment(bytes, featuresOf(manifest), path);
  if (rows.count !== count) throw new AppError('invalid_population', `${path} has ${rows.count} of ${count} rows`);
  return rows;
}

/** `row-of.i32` at `path`: by user number, `segment * 65,536 + offset`, or -1. @throws AppError invalid_population */
export function readPlaces(path: string, { row_of: { size }, directory }: Manifest): Int32Array {
  if (size !== directory.count * Int32Array.BYTES_PER_ELEMENT)
    throw new AppError('invalid_population', `${path} does not have one row for each user number`);
  return new Int32Array(readVersionFile({ path, size }).buffer);
}
