/** Checks the files of a population version against its manifest. */
import { statSync } from 'node:fs';
import { AppError, messageOf } from '../lib/errors.ts';
import { acceptedSums } from './accepted-sums.ts';
import { hashFile, readPrefix } from './files.ts';
import { listFiles, type Manifest, type ManifestFile } from './manifest.ts';

/**
 * Throws AppError `invalid_population`, naming the file, unless every file of the version has its size and, where
 * asked, its sha256.
 */
export function verifyVersion(folder: string, manifest: Manifest, what: 'sizes' | 'everything'): void {
  const files = listFiles(folder, manifest);
  for (const { path, size, mayGrow } of files) checkSize(path, size, mayGrow);
  if (what === 'sizes') return;
  for (const { path, size, sha256 } of files) {
    const actual = reading(path, () => hashFile(path, size));
    if (actual === sha256 || (actual !== null && acceptedSums(folder, sha256).includes(actual))) continue;
    throw alteredError(path);
  }
}

/** The refusal of a file whose bytes are not those that a version recorded. */
export function alteredError(path: string): AppError {
  return new AppError('invalid_population', `${path} was altered: its sha256 is not the one that the version recorded`);
}

/**
 * The bytes of a file that belong to the version, in a buffer of their own unless `allocate` gives another. Errors:
 * AppError `invalid_population` naming the file.
 */
export function readVersionFile(
  { path, size }: Pick<ManifestFile, 'path' | 'size'>,
  allocate?: (size: number) => Uint8Array,
): Uint8Array {
  const bytes = reading(path, () => readPrefix(path, size, allocate));
  if (bytes === null) throw new AppError('invalid_population', `${path} is damaged: it has fewer than ${size} bytes`);
  return bytes;
}

function checkSize(path: string, size: number, mayGrow: boolean): void {
  const actual = reading(path, () => statSync(path).size);
  if (actual < size) throw new AppError('invalid_population', `${path} is damaged: it has ${actual} of ${size} bytes`);
  if (actual > size && !mayGrow) {
    throw new AppError(
      'invalid_population',
      `${path} was altered: it has ${actual} bytes, the version recorded ${size}`,
    );
  }
}

function reading<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}
