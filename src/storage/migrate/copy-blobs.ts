/** Copies the blobs that rows refer to, and compares each with its source after it has arrived. */
import { createHash } from 'node:crypto';
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { drain, hashSlices } from '../../lib/files/slices.ts';
import { SEED_FOLDER, sumOfSet, userSetFile } from '../files/set-file.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Maximum number of damaged blobs that an error names. */
const NAMED = 20;

/** The blobs of both stores. `arrived` reads those of the target past what this process has just written. */
export interface BlobEnds {
  readonly from: Blobs;
  readonly to: Blobs;
  readonly arrived: Blobs;
}

export interface CopiedBlobs {
  readonly sets: number;
  readonly rankings: number;
  readonly bytes: number;
  /** Number of sets and rankings that had already arrived in an earlier attempt. */
  readonly present: number;
}

/**
 * Copies sets and rankings. Those that an earlier attempt has copied stay, if their bytes are the same.
 * @throws AppError storage_failed that names the blobs that are missing, damaged or could not be copied
 */
export async function copyBlobs(
  ends: BlobEnds,
  { sets, rankings }: StoreContents,
  onBlob: (done: number, all: number) => void,
): Promise<CopiedBlobs> {
  const faults: string[] = [];
  let [bytes, present, done] = [0, 0, 0];
  const each = async (name: string, copy: () => Promise<Copied>) => {
    try {
      const copied = await copy();
      bytes += copied.bytes;
      present += Number(copied.isPresent);
    } catch (error) {
      // the rest is copied all the same, so that all damage is known at once
      if (!(error instanceof AppError) || error.code !== 'storage_failed') throw error;
      faults.push(`${name}: ${messageOf(error)}`);
    }
    done += 1;
    onBlob(done, sets.size + rankings.size);
  };
  for (const name of sets) await each(`${SEED_FOLDER}/${userSetFile(name)}`, () => copySet(ends, name));
  for (const folder of rankings) await each(folder, () => copyRanking(ends, folder));
  if (faults.length === 0) return { sets: sets.size, rankings: rankings.size, bytes, present };
  const rest = faults.length > NAMED ? `; and ${faults.length - NAMED} more` : '';
  throw new AppError(
    'storage_failed',
    `the copy is not complete, because of these blobs: ${faults.slice(0, NAMED).join('; ')}${rest}`,
  );
}

interface Copied {
  readonly bytes: number;
  readonly isPresent: boolean;
}

async function copySet({ from, to, arrived }: BlobEnds, name: string): Promise<Copied> {
  const file = userSetFile(name);
  const sha256 = sumOfSet(name);
  const source = await from.open(SEED_FOLDER, file, { whole: true });
  try {
    const bytes = source.sizeBytes;
    if ((await hashStored(arrived, SEED_FOLDER, file)) === sha256) return { bytes, isPresent: true };
    const writer = to.write(SEED_FOLDER);
    const hash = createHash('sha256');
    try {
      for (let position = 0; position < bytes; position += CHUNK_BYTES) {
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes - position));
        source.read(chunk, position);
        hash.update(chunk);
        writer.write(chunk);
      }
      if (hash.digest('hex') !== sha256) throw damaged('the source is damaged: its sha256 differs from its name');
    } catch (error) {
      writer.abort();
      throw error;
    }
    await (await writer.finish()).publish(file);
    if ((await hashStored(arrived, SEED_FOLDER, file)) !== sha256) throw damaged('it arrived with another sha256');
    return { bytes, isPresent: false };
  } finally {
    source.close();
  }
}

async function copyRanking({ from, to, arrived }: BlobEnds, folder: string): Promise<Copied> {
  const names = await from.list(folder);
  if (names.length === 0) throw damaged('the source has no such folder');
  const files = new Map<string, Uint8Array>();
  for (const name of names.sort()) files.set(name, await from.read(folder, name));
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if ((await findDifference(arrived, folder, files)) === null) return { bytes, isPresent: true };
  await to.publish(folder, files);
  const difference = await findDifference(arrived, folder, files);
  if (difference !== null) throw damaged(`${difference} arrived with another sha256`);
  return { bytes, isPresent: false };
}

/** The first file that a folder lacks, has besides, or has with other bytes; null if there is none. */
async function findDifference(
  blobs: Blobs,
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string | null> {
  const found = new Set(await blobs.list(folder));
  for (const name of found) if (!files.has(name)) return name;
  for (const [name, data] of files) {
    const expected = createHash('sha256').update(data).digest('hex');
    if (!found.has(name) || (await hashStored(blobs, folder, name)) !== expected) return name;
  }
  return null;
}

/** The sha256 of a stored file; null if there is none, or if it cannot be read as it was written. */
async function hashStored(blobs: Blobs, folder: string, file: string): Promise<string | null> {
  try {
    const blob = await blobs.open(folder, file, { whole: true });
    try {
      return drain(hashSlices(blob, blob.sizeBytes));
    } finally {
      blob.close();
    }
  } catch (error) {
    const { errno } = error instanceof AppError ? error.facts : {};
    if (errno === 'ENOENT' || errno === 'EBADMSG') return null;
    throw error;
  }
}

function damaged(message: string): AppError {
  return new AppError('storage_failed', message);
}
