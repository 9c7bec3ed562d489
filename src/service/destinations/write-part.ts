/** Writes one part of a version into a local file. The rows are encoded, compressed and written off the event loop. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import type { Encoding, RowBlock } from '../../audience/stream/block-encoding.ts';
import type { DeliveredFile } from '../../domain/destinations.ts';
import type { RowEncoder } from '../ports/rankings.ts';

interface Part {
  /** File name of the part. If it ends with `.gz`, the part is compressed. */
  readonly name: string;
  readonly encoding: Encoding;
  readonly blocks: AsyncIterable<RowBlock>;
  readonly signal: AbortSignal;
}

/** Writes the rows of the blocks to `path`, replacing it. Only this user may read the file. */
export async function writePart(
  path: string,
  { name, encoding, blocks, signal }: Part,
  encoder: RowEncoder,
): Promise<DeliveredFile> {
  let rows = 0;
  const counted = async function* () {
    for await (const block of blocks) {
      rows += block.ids.ends.length;
      yield block;
    }
  };
  const hash = createHash('sha256');
  let bytes = 0;
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  const chunks = encoder.encode(encoding, counted(), nextTurn);
  await rm(path, { force: true });
  const file = createWriteStream(path, { mode: 0o600 });
  if (name.endsWith('.gz')) await pipeline(chunks, createGzip(), hashed, file, { signal });
  else await pipeline(chunks, hashed, file, { signal });
  return { name, rows, bytes, sha256: hash.digest('hex') };
}
