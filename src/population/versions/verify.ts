/** Checks the files of a population version against its manifest. */
import { statSync } from 'node:fs';
import { AppError, messageOf } from '../../lib/errors.ts';
import { acceptedSums } from '../import/accepted-sums.ts';
import { hashFile, hashSlices, readPrefix, sha256 } from './files.ts';
import { listFiles, type Manifest, type ManifestFile, readManifest } from './manifest.ts';

/**
 * Throws AppError `invalid_population`, naming the file, unless every file of the version has its size and, if
 * requested, its sha256.
 */
export function verifyVersion(folder: string, manifest: Manifest, what: 'sizes' | 'everything'): void {
  const files = listFiles(folder, manifest);
  for (const { path, size, mayGrow } of files) checkSize(path, size, mayGrow);
  if (what === 'sizes') return;
  for (const { path, size, sha256: recorded } of files) {
    const actual = reading(path, () => hashFile(path, size));
    if (actual === recorded || (actual !== null && acceptedSums(folder, recorded).includes(actual))) continue;
    throw alteredError(path);
  }
}

/** The error for a file whose bytes differ from those that a version recorded. */
export function alteredError(path: string): AppError {
  return new AppError('invalid_population', `${path} was altered: its sha256 is not the one that the version recorded`);
}

interface ReadOptions {
  readonly allocate?: ((size: number) => Uint8Array) | undefined;
  readonly accepted?: () => readonly string[];
}

/**
 * The verified bytes of a file that belong to the version, in a buffer from `allocate` or a new one. `accepted` are
 * sums that are accepted in place of the recorded one. Errors: AppError `invalid_population` naming the file.
 */
export function readCheckedFile(
  { path, size, sha256: recorded }: ManifestFile,
  { allocate, accepted = () => [] }: ReadOptions = {},
): Uint8Array {
  const bytes = reading(path, () => readPrefix(path, size, allocate));
  if (bytes === null) throw new AppError('invalid_population', `${path} is damaged: it has fewer than ${size} bytes`);
  const actual = sha256(bytes);
  if (actual !== recorded && !accepted().includes(actual)) throw alteredError(path);
  return bytes;
}

/**
 * Hashes all files of a version in slices between which other work can run: yields the number of bytes of each slice,
 * and returns the files that are missing, damaged or altered. @throws AppError invalid_population if the manifest is
 * damaged
 */
export function* checkVersion(folder: string, version: string): Generator<number, string[], void> {
  const bad: string[] = [];
  for (const { path, size, sha256: recorded } of listFiles(folder, readManifest(folder, version))) {
    const actual = yield* hashSlices(path, size);
    if (actual !== recorded && (actual === null || !acceptedSums(folder, recorded).includes(actual))) bad.push(path);
  }
  return bad;
}

/** The files of a version that are missing or too short, without reading them. @throws AppError invalid_population */
export function missingFiles(folder: string, version: string): string[] {
  const files = listFiles(folder, readManifest(folder, version));
  return files.filter(({ path, size }) => sizeOf(path) < size).map(({ path }) => path);
}

/** Whether a file matches the version's record or is not listed in it; in slices, as `checkVersion`. */
export function* isWhole(folder: string, version: string, path: string): Generator<number, boolean, void> {
  const file = listFiles(folder, readManifest(folder, version)).find((one) => one.path === path);
  if (file === undefined) return true;
  const actual = sizeOf(path) < file.size ? null : yield* hashSlices(path, file.size);
  return actual === file.sha256 || (actual !== null && acceptedSums(folder, file.sha256).includes(actual));
}

/** -1 if there is none. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
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
