/**
 * User sets: the user ids of a set are stored in one file, which is read one block at a time. The name of a set is the
 * sha256 of the bytes of its file. In a cluster, the time of the publication and a random number follow, because each
 * publication has a file of its own (`postgres/users/set-files.ts`).
 */
import { createHash } from 'node:crypto';
import type { OpenBlob, OpenOptions, ReadRanges } from '../../domain/ports/blobs.ts';
import { AppError, assert } from '../../lib/errors.ts';

/** Blob folder of user sets. */
export const SEED_FOLDER = 'seeds';

/** A written set. */
export interface UserSet {
  readonly sha256: string;
  readonly users: number;
  readonly sizeBytes: number;
}

/** Bytes read and decoded at a time. A block is larger if a line is longer. */
const READ_BYTES = 64 * 1024;

/** Encodes one id per line. A line that starts with `"` is a JSON string, for ids that cannot be written plainly. */
export function encodeIds(userIds: readonly string[]): Buffer {
  let text = '';
  for (const userId of userIds) text += isPlain(userId) ? `${userId}\n` : `${JSON.stringify(userId)}\n`;
  return Buffer.from(text);
}

/** Decodes the ids in bytes that consist of whole lines. */
export function decodeIds(bytes: Buffer): string[] {
  const text = bytes.toString('utf8');
  const lines = text.split('\n');
  lines.pop();
  if (!text.includes('"')) return lines;
  return lines.map((line) => (line.startsWith('"') ? (JSON.parse(line) as string) : line));
}

/** Opens blobs; `Opened` is an open blob, or a promise of one. */
export interface SetFiles<Opened> {
  open(folder: string, file: string, options?: OpenOptions): Opened;
}

/** Opens the file of a set, whose blocks can then be read without waiting. The errors are those of `open`. */
export function openUserSet<Opened>(blobs: SetFiles<Opened>, name: string): Opened {
  return blobs.open(SEED_FOLDER, userSetFile(name), { whole: true });
}

/**
 * Opens a set when its first block is requested, and reads it like `blocksOfSet`.
 * @throws AppError storage_failed, also if the file is missing
 */
export function* userSetBlocks(blobs: SetFiles<OpenBlob>, name: string): Generator<string[], void, void> {
  yield* blocksOfSet(openUserSet(blobs, name), name);
}

/**
 * Reads the sorted ids of an open set in blocks of some thousands, and closes the file at the end. Memory is constant,
 * and the caller can do other work between blocks. The file stays open, so it can be read to the end even if it is
 * removed in the meantime. A caller that does not read any block must close the file.
 * @throws AppError storage_failed, after the last block also if the bytes do not match the sha256; in that case the
 * caller must discard all ids
 */
export function* blocksOfSet(blob: OpenBlob, name: string): Generator<string[], void, void> {
  try {
    const hash = createHash('sha256');
    for (const lines of lineBlocks(blob, 0, Number.MAX_SAFE_INTEGER)) {
      hash.update(lines);
      let userIds: string[];
      try {
        userIds = decodeIds(lines);
      } catch {
        throw damaged(name); // a bad JSON string counts as damage
      }
      yield userIds;
    }
    if (hash.digest('hex') !== sumOfSet(name)) throw damaged(name);
  } finally {
    blob.close();
  }
}

/**
 * Reads whole lines of a file from `start` to `end` (or to the end of the file), with at least one line per block.
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
      // a file that ends in the middle of a line was truncated, which the sha256 check detects
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

/** The file of a set. */
export function userSetFile(name: string): string {
  assert(/^[0-9a-f]{1,64}(-[0-9a-f]+-[0-9a-f]+)?$/.test(name), `${name} is the name of a user set`);
  return `${name}.txt`;
}

/** The name of the set with this file; null if no set has such a file. */
export function setOfFile(file: string): string | null {
  return /^([0-9a-f]{64}(-[0-9a-f]+-[0-9a-f]+)?)\.txt$/.exec(file)?.[1] ?? null;
}

/** The sha256 of the bytes of a set. */
export function sumOfSet(name: string): string {
  return name.split('-')[0]!;
}

function damaged(name: string): AppError {
  const place = 'a damaged file of seeds or of a suppression list';
  return new AppError('storage_failed', `user set ${name} is damaged`, { place });
}

/** Matches printable ASCII text that does not begin with a quote. Nearly every id passes this quick check. */
const ORDINARY = /^[!#-~][ -~]*$/;
/**
 * Matches ids that need JSON: an empty id, a leading quote, a control character (including a newline), or an unpaired
 * surrogate.
 */
const NEEDS_JSON = /^$|^"|[\p{Cc}\p{Cs}]/u;

function isPlain(userId: string): boolean {
  return ORDINARY.test(userId) || !NEEDS_JSON.test(userId);
}
