/**
 * Decompresses Zstandard (RFC 8878) with Node.js, frame by frame. Node's own stream ends without an error after the
 * first of several frames (which pzstd and `cat` produce), and at the end of a truncated file.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';

const FRAME = 0xfd2fb528;
/** The magic number of a skippable frame. The last four bits of this number may have any value. */
const SKIPPABLE = 0x184d2a50;
const BLOCK = { raw: 0, repeated: 1, compressed: 2 };
const CHECKSUM_BYTES = 4;
/** Number of bytes to skip at a time in a skippable frame. */
const SKIP_BYTES = 65_536;

/** Decompresses the bytes of `source`. Throws if `source` is truncated or not Zstandard. */
export async function* unpackZstd(
  source: AsyncIterable<Buffer>,
  chunkBytes: number,
): AsyncGenerator<Buffer, void, void> {
  const bytes = new ByteReader(source);
  try {
    for (let head = await bytes.takeOrEnd(4); head !== null; head = await bytes.takeOrEnd(4)) {
      if (isSkippable(head)) {
        await skipFrame(bytes);
        continue;
      }
      const decoder = createZstdDecompress({ chunkSize: chunkBytes });
      // an error at either end destroys the stream at the other end
      const done = pipeline(Readable.from(readFrame(head, bytes), { objectMode: false }), decoder);
      done.catch(() => {});
      yield* decoder as AsyncIterable<Buffer>;
      await done;
    }
  } finally {
    await bytes.close();
  }
}

/** Yields the compressed frames of `source`, without skippable frames. Throws the same errors as `unpackZstd`. */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const bytes = new ByteReader(source);
  for (let head = await bytes.takeOrEnd(4); head !== null; head = await bytes.takeOrEnd(4)) {
    if (isSkippable(head)) {
      await skipFrame(bytes);
      continue;
    }
    const parts: Buffer[] = [];
    for await (const part of readFrame(head, bytes)) parts.push(part);
    yield Buffer.concat(parts);
  }
}

function isSkippable(head: Buffer): boolean {
  return (head.readUInt32LE() & 0xfffffff0) === SKIPPABLE;
}

async function skipFrame(bytes: ByteReader): Promise<void> {
  for (let left = (await bytes.take(4)).readUInt32LE(); left > 0; left -= SKIP_BYTES)
    await bytes.take(Math.min(left, SKIP_BYTES));
}

/** Yields the parts of the frame that begins with `head`. */
async function* readFrame(head: Buffer, bytes: ByteReader): AsyncGenerator<Buffer, void, void> {
  if (head.readUInt32LE() !== FRAME) throw new Error('the file is not Zstandard');
  yield head;
  const descriptor = await bytes.take(1);
  yield descriptor;
  const flags = descriptor[0]!;
  const isSingle = (flags & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const headerBytes = (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes;
  if (headerBytes > 0) yield await bytes.take(headerBytes);
  for (let isLast = false; !isLast; ) {
    const header = await bytes.take(3);
    yield header;
    const block = header.readUIntLE(0, 3);
    isLast = (block & 1) === 1;
    const [type, size] = [(block >> 1) & 3, block >> 3];
    if (type > BLOCK.compressed) throw new Error('the file is not Zstandard: a block has an unknown type');
    const stored = type === BLOCK.repeated ? 1 : size;
    if (stored > 0) yield await bytes.take(stored);
  }
  if ((flags & 4) !== 0) yield await bytes.take(CHECKSUM_BYTES);
}

/** Reads a given number of bytes from a stream of chunks. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Buffer> {
    const taken = await this.takeOrEnd(count);
    if (taken === null) throw new Error('the file is truncated within a Zstandard frame');
    return taken;
  }

  /** Reads `count` bytes. Returns null at the end of the stream. */
  async takeOrEnd(count: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#chunk.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) break;
        this.#chunk = next.value;
      }
      const part = this.#chunk.subarray(0, missing);
      this.#chunk = this.#chunk.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    if (missing === 0) return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    if (parts.length > 0) throw new Error('the file is truncated within a Zstandard frame');
    return null;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
