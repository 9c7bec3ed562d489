/**
 * A file cache for the sums over a population that a model's regression needs. Computing these sums takes a pass over
 * all users.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceDurably } from '../../lib/files/durable-files.ts';
import { withSibling } from '../../lib/files/temporary-sibling.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { Population } from '../../population/read.ts';
import type { ColumnSums } from './covariance.ts';

/**
 * Layout of the file: the SHA-256 digest of the rest (32 bytes), then counts, sums and squares as little-endian
 * float64, `[width]` each.
 */
const DIGEST_BYTES = 32;

/**
 * The path of the cache file for a model and a population version. The file is in the version's folder and is removed
 * with that folder.
 */
export function regressionCache({
  model: { manifest },
  population: { path, version },
  mask,
}: {
  readonly model: { readonly manifest: Pick<Manifest, 'version'> };
  readonly population: Pick<Population, 'path' | 'version'>;
  /** The mask of the binding, if it has one. */
  readonly mask?: string | undefined;
}): string {
  return join(path, version, `regression-${manifest.version}${mask === undefined ? '' : `-${mask}`}.sums`);
}

/** Returns the cached sums; null if the file is missing or unusable. */
export function readSums(path: string, width: number, rows: number): ColumnSums | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return null;
  }
  if (bytes.length !== DIGEST_BYTES + 3 * width * Float64Array.BYTES_PER_ELEMENT) return null;
  const body = bytes.subarray(DIGEST_BYTES);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(0, DIGEST_BYTES))) return null;
  const all = new Float64Array(Uint8Array.from(body).buffer);
  const part = (i: number) => all.slice(i * width, (i + 1) * width);
  return { rows, counts: part(0), sums: part(1), squares: part(2) };
}

/** Writes the sums to the cache file. If the folder cannot be written, the sums are computed again the next time. */
export function writeSums(path: string, { counts, sums, squares }: ColumnSums): void {
  const body = Buffer.concat([counts, sums, squares].map(({ buffer }) => Buffer.from(buffer)));
  const bytes = Buffer.concat([createHash('sha256').update(body).digest(), body]);
  try {
    withSibling(path, `write ${path}`, ({ path: temporary }) => replaceDurably(path, bytes, temporary));
  } catch {
    // a population that is read-only has no cache
  }
}
