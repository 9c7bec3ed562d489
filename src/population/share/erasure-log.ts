/** The erasures in the index of a published population: the records of `erased.bin` in one order for all hosts. */
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { countErased, type ErasedCounts } from '../erase/erase-users.ts';
import { type ErasedRecord, encodeRecords, RECORD_BYTES, readRecord } from '../erase/erased-records.ts';
import { ERASED_KEY_FILE, type Erasures, KEY_BYTES } from '../erase/erasures.ts';
import { sha256 } from '../versions/files.ts';
import { erasuresName, KEY_NAME, type PublishedIndex } from './index-schema.ts';
import { type IndexAt, replaceIndex, untilReplaced } from './published-index.ts';

/**
 * Number of records in the index beyond which they move to a file of their own, because the index is replaced at each
 * erasure.
 */
const TAIL_RECORDS = 1_024;

/** The records from position `from` on. @throws AppError invalid_population, storage_failed */
export async function readErasures(files: BlobFiles, index: PublishedIndex, from: number): Promise<ErasedRecord[]> {
  const { parts, tail, count } = index.erasures;
  const records: ErasedRecord[] = [];
  if (from >= count) return records;
  for (const { first, count: own, sha256: recorded } of parts) {
    if (first + own <= from) continue;
    const name = erasuresName(first, recorded);
    const found = await files.find(name);
    if (found === null || sha256(found.data) !== recorded)
      throw new AppError('invalid_population', `${name} is ${found === null ? 'missing' : 'damaged'}`);
    records.push(...decode(found.data, name).slice(Math.max(0, from - first)));
  }
  const first = count - tailRecords(tail);
  records.push(...decode(Buffer.from(tail, 'base64'), 'the tail of the erasures').slice(Math.max(0, from - first)));
  return records;
}

/**
 * The index with more records. Records that no longer fit into the index are stored in a file first, which is unused if
 * the index is not replaced.
 */
export async function addErasures(
  files: BlobFiles,
  index: PublishedIndex,
  records: readonly ErasedRecord[],
): Promise<PublishedIndex> {
  if (records.length === 0) return index;
  const { erasures } = index;
  const tail = Buffer.concat([Buffer.from(erasures.tail, 'base64'), encodeRecords(records)]);
  const count = erasures.count + records.length;
  const own = tail.length / RECORD_BYTES;
  if (own <= TAIL_RECORDS)
    return { ...index, erasures: { count, parts: erasures.parts, tail: tail.toString('base64') } };
  const part = { first: count - own, count: own, sha256: sha256(tail) };
  await files.put(erasuresName(part.first, part.sha256), tail);
  return { ...index, erasures: { count, parts: [...erasures.parts, part], tail: '' } };
}

/** The users that a mirror knows, according to one index. */
export interface UsersAt {
  readonly at: IndexAt;
  readonly erasures: Erasures;
  /** Finds users of all versions in that index. */
  numberOf(userId: string): UserNumber;
}

/**
 * Records the erasure of these users. Replaces the index only if the users were looked up in the current one, so a
 * version published at the same time cannot contain them. Users who were erased before are recorded again, because an
 * import elsewhere may be readmitting them.
 * @throws AppError unavailable, storage_failed
 */
export async function eraseInLog(
  files: BlobFiles,
  folder: string,
  userIds: readonly string[],
  follow: () => Promise<UsersAt>,
): Promise<ErasedCounts> {
  if (userIds.length === 0) return { erased: 0, known: 0 };
  return untilReplaced(async () => {
    const { at, erasures, numberOf } = await follow();
    if (erasures.count === 0) writeKey(folder, await requireSharedKey(files, null));
    const added: ErasedRecord[] = [];
    const records: ErasedRecord[] = [];
    for (const userId of new Set(userIds)) {
      const userNumber = numberOf(userId);
      const record = { userNumber, hash: erasures.hashOf(userId) };
      records.push(record);
      if ((userNumber >= 0 && !erasures.has(userNumber)) || !erasures.hasId(userId)) added.push(record);
    }
    return (await replaceIndex(files, at, await addErasures(files, at.index, records))) && countErased(added);
  });
}

/** The key of the hashes. @throws AppError invalid_population */
export async function findSharedKey(files: BlobFiles): Promise<Uint8Array | null> {
  const found = await files.find(KEY_NAME);
  if (found !== null && found.data.length !== KEY_BYTES)
    throw new AppError('invalid_population', `${KEY_NAME} is not a key of ${KEY_BYTES} bytes`);
  return found?.data ?? null;
}

/** Returns the key of the hashes, and makes `own` or a random key the key if there is none. */
export async function requireSharedKey(files: BlobFiles, own: Uint8Array | null): Promise<Uint8Array> {
  const found = await findSharedKey(files);
  if (found !== null) return found;
  await files.put(KEY_NAME, own ?? randomBytes(KEY_BYTES), 'if-absent');
  const key = await findSharedKey(files);
  if (key === null) throw new AppError('storage_failed', `${KEY_NAME} was stored, but cannot be found`);
  return key;
}

/** Writes the key of the published population into a folder. @throws AppError storage_failed */
export function writeKey(folder: string, key: Uint8Array): void {
  const path = join(folder, ERASED_KEY_FILE);
  const temporary = `${path}.tmp`;
  withStorage(`write ${path}`, () => {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, key, { mode: 0o600, flush: true });
    renameSync(temporary, path);
    syncFolder(folder);
  });
}

function decode(bytes: Uint8Array, where: string): ErasedRecord[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: ErasedRecord[] = [];
  for (let at = 0; at < buffer.length; at += RECORD_BYTES) {
    const record = readRecord(buffer, at);
    if (record === null) throw new AppError('invalid_population', `${where}: record ${at / RECORD_BYTES} is damaged`);
    records.push(record);
  }
  return records;
}

function tailRecords(tail: string): number {
  return Buffer.byteLength(tail, 'base64') / RECORD_BYTES;
}
