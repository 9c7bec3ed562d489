/** Streams a file from memory to a client in chunks, and disconnects a client that stops reading. */
import { Readable } from 'node:stream';
import { AppError } from '../../../lib/errors.ts';

/** The size of a chunk, and the time limit for reading a chunk. */
export interface SendLimits {
  readonly chunkBytes: number;
  /** Maximum number of milliseconds that the client may take to read a chunk. */
  readonly chunkMs: number;
}

/**
 * Returns `bytes` as a stream, which fails with request_timeout if a chunk is not read in time. `onDone` is called
 * once, when all bytes are read, the client has disconnected or the stream has failed. The stream then no longer refers
 * to `bytes`.
 */
export function streamBytes(bytes: Uint8Array, { chunkBytes, chunkMs }: SendLimits, onDone: () => void): Readable {
  let isDone = false;
  const done = () => {
    clearTimeout(timer);
    if (!isDone) onDone();
    isDone = true;
  };
  const timer = setTimeout(() => {
    stream.destroy(new AppError('request_timeout', `the client did not read a chunk within ${chunkMs} ms`));
  }, chunkMs);
  function* chunks(): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      timer.refresh();
      yield bytes.slice(at, at + chunkBytes); // a copy: a view held by the socket would keep the whole file in memory
    }
    done(); // before the end of the response, after which the client may send another request
  }
  const stream = Readable.from(chunks(), { objectMode: false, highWaterMark: 1 });
  return stream.once('close', done);
}
