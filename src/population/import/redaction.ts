/** Overwrites the ids of erased users in the directory. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import type { Erasures } from '../erase/erasures.ts';
import { findLargestDirectory, type ManifestFile, readManifests } from '../versions/manifest.ts';
import { acceptedSums, writeAcceptedSums } from './accepted-sums.ts';
import { readTable } from './table-files.ts';

/**
 * Overwrites the ids of erased users that are still in the directory, and returns the number of overwritten ids. The
 * caller must hold the writer's lock. Versions have recorded the sha256 of the old bytes, so the sums of the new bytes
 * are also accepted. These sums are written before the file is replaced, so that every version can be verified at any
 * time. @throws AppError invalid_population, storage_failed
 */
export function redactErased(folder: string, erasures: Erasures): number {
  const largest = erasures.count === 0 ? null : findLargestDirectory(folder);
  if (largest === null) return 0;
  const table = readTable(folder, largest);
  const found = [...erasures.numbers].filter((number) => number < table.count && !table.isRedacted(number));
  if (found.length === 0) return 0;
  const path = join(folder, largest.bytes.path);
  const recorded = directoriesOf(folder);
  const before = sumsOf(table.bytes, recorded);
  for (const [i, { sha256 }] of recorded.entries()) {
    // this check keeps an altered file from being accepted
    if (before[i] !== sha256 && !acceptedSums(folder, sha256).includes(before[i]!))
      throw new AppError('invalid_population', `${path} was altered: its sha256 differs from the recorded sha256`);
  }
  for (const number of found) table.redact(number);
  const after = sumsOf(table.bytes, recorded);
  withStorage(`write ${folder}`, () => {
    writeAcceptedSums(folder, Object.fromEntries(recorded.map(({ sha256 }, i) => [sha256, [before[i]!, after[i]!]])));
    replaceDurably(path, table.bytes, `${path}.tmp`);
  });
  return found.length;
}

/** The prefixes of the directory's bytes that versions have recorded, shortest first. */
function directoriesOf(folder: string): ManifestFile[] {
  const all = readManifests(folder).map(({ directory }) => directory.bytes);
  return [...new Map(all.map((file) => [file.sha256, file])).values()].sort((a, b) => a.size - b.size);
}

/** The sha256 of each prefix, shortest first. */
export function sumsOf(bytes: Uint8Array, beginnings: readonly { readonly size: number }[]): string[] {
  const hash = createHash('sha256');
  let at = 0;
  return beginnings.map(({ size }) => {
    hash.update(bytes.subarray(at, size));
    at = size;
    return hash.copy().digest('hex');
  });
}
