/** Checks the files of a population version against its manifest. */
import { existsSync, statSync } from 'node:fs';
import { AppError, messageOf } from '../../lib/errors.ts';
import { drain, hashFileSlices } from '../../lib/files/slices.ts';
import { acceptedSums } from '../import/accepted-sums.ts';
import { fetchMissing, isMirror } from '../share/missing-file.ts';
import { readPrefix, sha256 } from './files.ts';
import { listFiles, type Manifest, type ManifestFile, readManifest, type VersionFile } from './manifest.ts';

/** How often one read fetches a file, because a small mirror may remove the file before it is read. */
const MAXIMUM_FETCHES = 5;

/**
 * Throws AppError `invalid_population`, naming the file, unless every file of the version has the recorded size and, if
 * requested, the recorded sha256.
 */
export function verifyVersion(folder: string, manifest: Manifest, what: 'sizes' | 'everything'): void {
  const isOfMirror = isMirror(folder);
  const files = isOfMirror ? requiredFiles(folder, manifest) : listFiles(folder, manifest);
  for (const { path, size, mayGrow } of files) checkSize(path, size, mayGrow);
  if (what === 'sizes') return;
  for (const file of files) {
    const isRecordedFile = () => reading(file.path, () => drain(checkFile(folder, file)));
    if (isRecordedFile()) continue;
    if (isOfMirror) fetchMissing(folder, file.path);
    if (!isOfMirror || !isRecordedFile()) throw alteredError(file.path);
  }
}

/**
 * The files without which a version cannot be opened: all but the segments, which a mirror fetches when they are read.
 * Fetches the missing files.
 */
function requiredFiles(folder: string, manifest: Manifest): VersionFile[] {
  const files = listFiles(folder, { ...manifest, segments: [] });
  for (const file of files) if (isCut(file)) fetchMissing(folder, file.path);
  return files;
}

/** The error for a file that differs from what a version recorded. */
function alteredError(path: string): AppError {
  return new AppError('invalid_population', `${path} was altered: its sha256 differs from the recorded sha256`);
}

/**
 * Reads and verifies the bytes of a file that belong to a version. The buffer is new, or comes from `allocate`. A file
 * that a mirror lacks, or that is damaged there, is fetched first. @throws AppError invalid_population naming the file,
 * storage_failed; PartMissing in the main thread if the file has to be fetched
 */
export function readCheckedFile(
  folder: string,
  file: ManifestFile,
  allocate?: (size: number) => Uint8Array,
): Uint8Array {
  for (let fetches = 0; ; fetches++) {
    try {
      return readOnce(folder, file, allocate);
    } catch (error) {
      if (fetches === MAXIMUM_FETCHES || !isMirror(folder)) throw error;
    }
    fetchMissing(folder, file.path);
  }
}

function readOnce(folder: string, file: ManifestFile, allocate?: (size: number) => Uint8Array): Uint8Array {
  const { path, size } = file;
  const bytes = reading(path, () => readPrefix(path, size, allocate));
  if (bytes === null) throw new AppError('invalid_population', `${path} is damaged: it has fewer than ${size} bytes`);
  if (!isRecorded(folder, file, sha256(bytes))) throw alteredError(path);
  return bytes;
}

/**
 * The files of a published version, as `listFiles` returns them; in a mirror, only those that are on this machine.
 * @throws AppError invalid_population
 */
export function filesOfVersion(folder: string, version: string): VersionFile[] {
  const files = listFiles(folder, readManifest(folder, version));
  return isMirror(folder) ? files.filter(({ path }) => existsSync(path)) : files;
}

/** Whether a file of a version is missing or too short. The file is not read. */
export function isCut({ path, size }: ManifestFile): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? -1) < size;
}

/** Whether a file's bytes match what a version recorded. Yields the size of each slice that is read, in bytes. */
export function* checkFile(folder: string, file: ManifestFile): Generator<number, boolean, void> {
  if (isCut(file)) return false;
  return isRecorded(folder, file, yield* hashFileSlices(file.path, file.size));
}

/** Whether a checksum is the recorded checksum or is accepted in its place. */
function isRecorded(folder: string, { sha256: recorded }: ManifestFile, actual: string): boolean {
  return actual === recorded || acceptedSums(folder, recorded).includes(actual);
}

function checkSize(path: string, size: number, mayGrow: boolean): void {
  const actual = reading(path, () => statSync(path).size);
  if (actual < size) throw new AppError('invalid_population', `${path} is damaged: it has ${actual} of ${size} bytes`);
  if (actual > size && !mayGrow) {
    throw new AppError(
      'invalid_population',
      `${path} was altered: it has ${actual} bytes instead of the recorded ${size}`,
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
