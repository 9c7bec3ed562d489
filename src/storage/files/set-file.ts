/** User sets: a set of user ids as one file, named by the sha256 of its bytes and read one block at a time. */
import { createHash } from 'node:crypto';
import type { BlobReader, ReadRanges } from '../../domain/ports/blobs.ts';
import { AppError, assert } from '../../lib/errors.ts';

/** The blob folder of user sets. */
export const SEED_FOLDER = 'seeds';

/** A set that has been written. */
export interface UserSet {
  readonly sha256: string;
  readonly users: number;
  readonly sizeBytes: number;
}

/** Bytes read and decoded at a time; a longer line takes as much as it needs. */
const READ_BYTES = 64 * 1024;

/** One id per line. A line that starts with `"` is a JSON string, for ids that cannot be written plainly. */
export function encodeIds(userIds: readonly string[]): Buffer {
  let text = '';
  for (const userId of userIds) text += isPlain(userId) ? `${userId}\n` : `${JSON.stringify(userId)}\n`;
  return Buffer.from(text);
}

/** The ids in bytes that consist of whole lines. */
export function decodeIds(bytes: Buffer): string[] {
  const text = bytes.toString('utf8');
  const lines = text.split('\n');
  lines.pop();
  if (!text.includes('"')) return lines;
  return lines.map((line) => (line.startsWith('"') ? (JSON.parse(line) as string) : line));
}

/**
 * The ids of a set, sorted, in blocks of some thousands: memory stays constant for a set of any size, and a caller may
 * do other work between blocks. The file stays open until the end, so a file removed meanwhile can still be read to its
 * end.
 * @throws AppError storage_failed if the file is missing or, after the last block, if the bytes do not match the
 * sha256: the ids read until then must not be used
 */
export function* userSetBlocks(blobs: Pick<BlobReader, 'open'>, sha256: string): Generator<string[], void, void> {
  const blob = blobs.open(SEED_FOLDER, userSetFile(sha256));
  try {
    const hash = createHash('sha256');
    for (const lines of lineBlocks(blob, 0, Number.MAX_SAFE_INTEGER)) {
      hash.update(lines);
      let userIds: string[];
      try {
        userIds = decodeIds(lines);
      } catch {
        throw damaged(sha256); // a bad JSON string counts as damage
      }
      yield userIds;
    }
    if (hash.digest('hex') !== sha256) throw damaged(sha256);
  } finally {
    blob.close();
  }
}

/**
 * Whole lines of a file from `start` to `end` (or the file's end), block by block; at least one line per block.
 * @throws AppError storage_failed
 */
export function* lineBlocks(
  file: ReadRanges,
  start: number,
  end: number,
  readBytes = READ_BYTES,
): Generator<Buffer, void, void> {
  let buffer = Buffer.allocUnsafe(Math.min(readBytes, end - start));
  let filled = 0;
  for (let position = start; ; ) {
    const wanted = Math.min(buffer.length - filled, end - position);
    const read = file.read(buffer.subarray(filled, filled + wanted), position);
    position += read;
    filled += read;
    if (read === 0) {
      // a file that ends in the middle of a line is truncated, which its sha256 reveals
      if (filled > 0) yield buffer.subarray(0, filled);
      return;
    }
    const whole = buffer.lastIndexOf(0x0a, filled - 1) + 1;
    if (whole > 0) {
      yield buffer.subarray(0, whole);
      buffer.copy(buffer, 0, whole, filled);
      filled -= whole;
    } else if (filled === buffer.length) {
      buffer = Buffer.concat([buffer], 2 * buffer.length);
    }
  }
}

/** The name of a set's file. */
export function userSetFile(sha256: string): string {
  assert(/^[0-9a-f]{1,64}$/.test(sha256), `${sha256} is the name of a user set`);
  return `${sha256}.txt`;
}

function damaged(sha256: string): AppError {
  return new AppError('storage_failed', `user set ${sha256} is damaged`);
}

/** Printable ASCII that does not begin with a quote: true for nearly every id, and quick to check. */
const ORDINARY = /^[!#-~][ -~]*$/;
/** Empty, a leading quote, a control character (including a newline), an unpaired surrogate. */
const NEEDS_JSON = /^$|^"|[\p{Cc}\p{Cs}]/u;

function isPlain(userId: string): boolean {
  return ORDINARY.test(userId) || !NEEDS_JSON.test(userId);
}
