/** Encodes the records of `erased.bin`: user number, keyed hash of the id, and a checksum per record. */
import { crc32 } from 'node:zlib';
import type { UserNumber } from '../../lib/brands.ts';

/** Layout of a record: the user number (int32, -1 if the id never had a number), the hash, and the crc32 of both. */
export const HASH_BYTES = 16;
const SUMMED_BYTES = 4 + HASH_BYTES;
export const RECORD_BYTES = SUMMED_BYTES + 4;

export interface ErasedRecord {
  /** User number; -1 if the id never had a number. */
  readonly userNumber: UserNumber;
  /** Hex. */
  readonly hash: string;
}

/** Hash for records that lost their original hash; this hash matches no id. */
export const UNKNOWN_HASH = '0'.repeat(2 * HASH_BYTES);

/** Encodes the records as the bytes of the file. */
export function encodeRecords(records: readonly ErasedRecord[]): Uint8Array {
  const bytes = Buffer.alloc(records.length * RECORD_BYTES);
  for (const [i, { userNumber, hash }] of records.entries()) {
    const at = i * RECORD_BYTES;
    bytes.writeInt32LE(userNumber, at);
    bytes.write(hash, at + 4, 'hex');
    bytes.writeUInt32LE(crc32(bytes.subarray(at, at + SUMMED_BYTES)), at + SUMMED_BYTES);
  }
  return bytes;
}

/** Decodes the record at this offset; null if the record is incomplete or has a wrong checksum. */
export function readRecord(bytes: Buffer, at: number): ErasedRecord | null {
  return isWhole(bytes, at) ? recordAt(bytes, at) : null;
}

/** The original record if exactly one bit has changed, otherwise null. */
export function correctRecord(bytes: Buffer, at: number): ErasedRecord | null {
  const record = Buffer.from(bytes.subarray(at, at + RECORD_BYTES));
  for (let bit = 0; bit < 8 * record.length; bit++) {
    record[bit >> 3]! ^= 1 << (bit & 7);
    if (isWhole(record, 0)) return recordAt(record, 0);
    record[bit >> 3]! ^= 1 << (bit & 7);
  }
  return null;
}

function recordAt(bytes: Buffer, at: number): ErasedRecord {
  return { userNumber: bytes.readInt32LE(at), hash: bytes.toString('hex', at + 4, at + SUMMED_BYTES) };
}

function isWhole(bytes: Buffer, at: number): boolean {
  const isThere = at + RECORD_BYTES <= bytes.length;
  return isThere && crc32(bytes.subarray(at, at + SUMMED_BYTES)) === bytes.readUInt32LE(at + SUMMED_BYTES);
}
