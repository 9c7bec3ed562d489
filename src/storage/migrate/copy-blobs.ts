/** Copies the blobs that rows refer to, and compares each with its source after it has arrived. */
import { createHash } from 'node:crypto';
import { type Blobs, type OpenBlob, untilRead } from '../../domain/ports/blobs.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
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

async function copySet(ends: BlobEnds, name: string): Promise<Copied> {
  return await copyFile(ends, SEED_FOLDER, userSetFile(name), sumOfSet(name));
}

/** The files appear one after the other, because the target is not in use, and a ranking may be larger than memory. */
async function copyRanking(ends: BlobEnds, folder: string): Promise<Copied> {
  const names = (await ends.from.list(folder)).sort();
  if (names.length === 0) throw damaged('the source has no such folder');
  const found = await ends.arrived.list(folder);
  if (found.some((name) => !names.includes(name))) await ends.to.delete(folder);
  const files: Copied[] = [];
  for (const name of names) files.push(await copyFile(ends, folder, name, null));
  return {
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    isPresent: files.every(({ isPresent }) => isPresent),
  };
}

/** Copies a file unless it is there. Its sha256 is the one that its source must have, or null for any. */
async function copyFile(
  { from, to, arrived }: BlobEnds,
  folder: string,
  file: string,
  sumOfSource: string | null,
): Promise<Copied> {
  const source = await from.open(folder, file, { whole: sumOfSource !== null });
  try {
    const bytes = source.sizeBytes;
    const sha256 = sumOfSource ?? (await hashBlob(source));
    if ((await hashStored(arrived, folder, file)) === sha256) return { bytes, isPresent: true };
    const writer = to.write(folder);
    try {
      if ((await hashBlob(source, (chunk) => writer.write(chunk))) !== sha256)
        throw damaged(
          sumOfSource === null
            ? 'the source changed while it was copied'
            : 'the source is damaged: its sha256 differs from its name',
        );
    } catch (error) {
      writer.abort();
      throw error;
    }
    await (await writer.finish()).publish(file);
    if ((await hashStored(arrived, folder, file)) !== sha256) throw damaged(`${file} arrived with another sha256`);
    return { bytes, isPresent: false };
  } finally {
    source.close();
  }
}

/** The sha256 of a stored file; null if there is none, or if it cannot be read as it was written. */
async function hashStored(blobs: Blobs, folder: string, file: string): Promise<string | null> {
  try {
    const blob = await blobs.open(folder, file);
    try {
      return await hashBlob(blob);
    } finally {
      blob.close();
    }
  } catch (error) {
    const { errno } = error instanceof AppError ? error.facts : {};
    if (errno === 'ENOENT' || errno === 'EBADMSG') return null;
    throw error;
  }
}

/** The sha256 of a blob. `onChunk` gets its bytes, which are valid until it returns. */
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
