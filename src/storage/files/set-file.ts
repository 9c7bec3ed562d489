/** User sets: the user ids of a set are stored in one file, which is read block by block. */
import { createHash, randomBytes } from 'node:crypto';
import { BlockBuilder, type IdBlock, weightAt } from '../../domain/id-blocks.ts';
import type { BlobReader, OpenBlob, ReadRanges } from '../../domain/ports/blobs.ts';
import type { Verdict } from '../../domain/ports/upkeep.ts';
import { AppError, assert, isMissing, messageOf } from '../../lib/errors.ts';
import { hashSlices } from '../../lib/files/slices.ts';

/** Blob folder of user sets. */
export const SEED_FOLDER = 'seeds';

/** Bytes read and decoded at a time. A block is larger if a line is longer. */
const READ_BYTES = 64 * 1024;

/**
 * Encodes one id per line. A line that starts with `"` is a JSON string, for ids that cannot be written plainly. A
 * weight other than 1 follows after a tab, which encoded ids never contain. Features (JSON) follow the weight after
 * another tab.
 */
export function encodeIds(userIds: IdBlock): Buffer {
  const { weights, features } = userIds;
  let text = '';
  for (let i = 0; i < userIds.length; i++) {
    const userId = userIds[i]!;
    text += isPlain(userId) ? userId : JSON.stringify(userId);
    const own = features?.[i];
    if (own !== undefined || (weights !== undefined && weights[i] !== 1)) text += `\t${weightAt(userIds, i)}`;
    if (own !== undefined) text += `\t${own}`;
    text += '\n';
  }
  return Buffer.from(text);
}

/** Decodes the ids in bytes that consist of whole lines. */
export function decodeIds(bytes: Buffer): IdBlock {
  const text = bytes.toString('utf8');
  const lines = text.split('\n');
  lines.pop();
  const isJson = text.includes('"');
  const parse = (id: string) => (isJson && id.startsWith('"') ? (JSON.parse(id) as string) : id);
  if (!text.includes('\t')) return isJson ? lines.map(parse) : lines;
  const block = new BlockBuilder();
  for (const line of lines) {
    const [id, weight = '1', features] = line.split('\t', 3);
    block.add(parse(id!), Number(weight), features);
  }
  return block.block();
}

/** Opens the file of a set, whose blocks can then be read without waiting. The errors are those of `open`. */
export function openUserSet(blobs: Pick<BlobReader, 'open'>, name: string): Promise<OpenBlob> {
  return blobs.open(SEED_FOLDER, userSetFile(name), { whole: true });
}

/** Opens a set for reading with `blocksOfSet`. */
export async function userSetBlocks(
  blobs: Pick<BlobReader, 'open'>,
  name: string,
): Promise<Generator<IdBlock, void, void>> {
  return blocksOfSet(await openUserSet(blobs, name), name);
}

/** Like `readSet`, and closes the file at the end. A caller that does not read any block must close the file. */
export function* blocksOfSet(blob: OpenBlob, name: string): Generator<IdBlock, void, void> {
  try {
    yield* readSet(blob, name);
  } finally {
    blob.close();
  }
}

/**
 * Reads the sorted ids of an open set in blocks of several thousand. Memory use is constant, and the caller can do
 * other work between blocks. The file stays open, so it can be read to the end even if it is removed meanwhile.
 * @throws AppError storage_failed; if the bytes do not match the sha256, this happens after the last block, and the
 * caller must discard all ids
 */
export function* readSet(blob: OpenBlob, name: string): Generator<IdBlock, void, void> {
  const hash = createHash('sha256');
  for (const lines of lineBlocks(blob, 0, Number.MAX_SAFE_INTEGER)) {
    hash.update(lines);
    let userIds: IdBlock;
    try {
      userIds = decodeIds(lines);
    } catch {
      throw damaged(name); // a bad JSON string counts as damage
    }
    yield userIds;
  }
  if (hash.digest('hex') !== sumOfSet(name)) throw damaged(name);
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

/**
 * Checks a set against its name, in slices that let other work run in between. Yields the number of bytes of each
 * slice.
 * @throws AppError storage_failed if the disk fails
 */
export async function* checkUserSet(blobs: BlobReader, name: string): AsyncGenerator<number, Verdict, void> {
  try {
    const blob = await openUserSet(blobs, name);
    try {
      const isWhole = (yield* hashSlices(blob, blob.sizeBytes)) === sumOfSet(name);
      return { fault: isWhole ? null : 'the bytes of the file do not match its name' };
    } finally {
      blob.close();
    }
  } catch (error) {
    if (isMissing(error)) return { fault: messageOf(error) };
    throw error;
  }
}

/** Number of hexadecimal digits of the time in a name. */
const TIME_DIGITS = 12;
const RANDOM_BYTES = 8;

/**
 * A new name for a set with this sha256: the sha256, the time of publication, and a random number. So every publication
 * has its own file, and a late removal never affects an equal set published later.
 */
export function newSetName(sha256: string, now: number): string {
  const time = Math.floor(now).toString(16).padStart(TIME_DIGITS, '0');
  return `${sha256}-${time}-${randomBytes(RANDOM_BYTES).toString('hex')}`;
}

/** The sha256 of the bytes of a set. */
export function sumOfSet(name: string): string {
  return name.split('-')[0]!;
}

/** When a set was published, in milliseconds since 1970. */
export function publishedAt(name: string): number {
  return Number.parseInt(name.split('-')[1]!, 16);
}

/** The file of a set. */
export function userSetFile(name: string): string {
  assert(NAME.test(name), `${name} is the name of a user set`);
  return `${name}.txt`;
}

/** The name of the set with this file; null if no set has such a file. */
export function setOfFile(file: string): string | null {
  const name = file.slice(0, -'.txt'.length);
  return file.endsWith('.txt') && NAME.test(name) ? name : null;
}

const NAME = /^[0-9a-f]{64}-[0-9a-f]+-[0-9a-f]+$/;

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
