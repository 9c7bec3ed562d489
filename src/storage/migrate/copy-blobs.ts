/** Copies the blobs that rows refer to, and then compares each copy with its source. */
import { createHash } from 'node:crypto';
import { type Blobs, type OpenBlob, untilRead } from '../../domain/ports/blobs.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { SEED_FOLDER, sumOfSet, userSetFile } from '../files/set-file.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Maximum number of damaged blobs that an error names. */
const NAMED = 20;

/** The blobs of both stores. `arrived` reads the blobs of the target without this process's caches. */
export interface CopyBlobsDependencies {
  readonly from: Blobs;
  readonly to: Blobs;
  readonly arrived: Blobs;
}

export interface CopiedBlobs {
  readonly sets: number;
  readonly rankings: number;
  readonly bytes: number;
}

/**
 * Copies sets and rankings, replacing existing files.
 * @throws AppError storage_failed, which names missing, damaged and uncopied blobs
 */
export async function copyBlobs(
  blobs: CopyBlobsDependencies,
  { sets, rankings }: StoreContents,
  onBlob: (done: number, all: number) => void,
): Promise<CopiedBlobs> {
  const faults: string[] = [];
  let [bytes, done] = [0, 0];
  const each = async (name: string, copy: () => Promise<number>) => {
    try {
      bytes += await copy();
    } catch (error) {
      // copying continues, so that one error lists all the damage
      if (!(error instanceof AppError) || error.code !== 'storage_failed') throw error;
      faults.push(`${name}: ${messageOf(error)}`);
    }
    done += 1;
    onBlob(done, sets.size + rankings.size);
  };
  for (const name of sets) await each(`${SEED_FOLDER}/${userSetFile(name)}`, () => copySet(blobs, name));
  for (const folder of rankings) await each(folder, () => copyRanking(blobs, folder));
  if (faults.length === 0) return { sets: sets.size, rankings: rankings.size, bytes };
  const rest = faults.length > NAMED ? `; and ${faults.length - NAMED} more` : '';
  throw new AppError(
    'storage_failed',
    `the copy is not complete, because of these blobs: ${faults.slice(0, NAMED).join('; ')}${rest}`,
  );
}

function copySet(blobs: CopyBlobsDependencies, name: string): Promise<number> {
  return copyFile(blobs, SEED_FOLDER, userSetFile(name), sumOfSet(name));
}

/** The files appear one after the other, because the target is not in use, and a ranking may be larger than memory. */
async function copyRanking(blobs: CopyBlobsDependencies, folder: string): Promise<number> {
  const names = (await blobs.from.list(folder)).sort();
  if (names.length === 0) throw damaged('the source has no such folder');
  let bytes = 0;
  for (const name of names) bytes += await copyFile(blobs, folder, name);
  return bytes;
}

/** Copies a file and returns its size. The source must have the sha256 `expected`. */
async function copyFile({ from, to, arrived }: CopyBlobsDependencies, folder: string, file: string, expected?: string) {
  const source = await from.open(folder, file, { whole: expected !== undefined });
  try {
    const writer = to.write(folder);
    let sha256: string;
    try {
      sha256 = await hashBlob(source, (chunk) => writer.write(chunk));
      if (sha256 !== (expected ?? sha256)) throw damaged('the source is damaged: its sha256 differs from its name');
    } catch (error) {
      writer.abort();
      throw error;
    }
    await (await writer.finish()).publish(file);
    const copy = await arrived.open(folder, file);
    try {
      if ((await hashBlob(copy)) !== sha256) throw damaged(`${file} arrived with another sha256`);
    } finally {
      copy.close();
    }
    return source.sizeBytes;
  } finally {
    source.close();
  }
}

/** Computes the sha256 of a blob. Calls `onChunk` with its bytes, which are valid until `onChunk` returns. */
async function hashBlob(blob: OpenBlob, onChunk: (chunk: Uint8Array) => void = () => {}): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, blob.sizeBytes));
  for (let position = 0; position < blob.sizeBytes; ) {
    const read = await untilRead(() => blob.read(chunk, position));
    if (read === 0) throw damaged(`it ends after ${position} of ${blob.sizeBytes} bytes`);
    const bytes = chunk.subarray(0, read);
    hash.update(bytes);
    onChunk(bytes);
    position += read;
  }
  return hash.digest('hex');
}

function damaged(message: string): AppError {
  return new AppError('storage_failed', message);
}
