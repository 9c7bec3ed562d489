/** A file that is in memory, handed to a client a chunk at a time; a client who does not take it is cut off. */
import { Readable } from 'node:stream';
import { AppError } from '../../lib/errors.ts';

/** How a file is handed over. */
export interface SendLimits {
  readonly chunkBytes: number;
  /** The time that a client may take for one chunk. */
  readonly chunkMs: number;
}

/**
 * `bytes` as a stream, which fails with request_timeout where a chunk is not taken in its time. `onDone` is called
 * once: when all is taken, or when the client has gone or was cut off; from then on nothing here holds `bytes`.
 */
export function streamBytes(bytes: Uint8Array, { chunkBytes, chunkMs }: SendLimits, onDone: () => void): Readable {
  let isDone = false;
  const done = () => {
    clearTimeout(timer);
    if (!isDone) onDone();
    isDone = true;
  };
  const timer = setTimeout(() => {
    stream.destroy(new AppError('request_timeout', `the client did not take a chunk in ${chunkMs} ms`));
  }, chunkMs);
  function* chunks(): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      timer.refresh();
      yield bytes.slice(at, at + chunkBytes); // a copy: a view that waits in the socket would hold the whole file
    }
    done(); // before the end of the answer, after which the client may ask again
  }
  const stream = Readable.from(chunks(), { objectMode: false, highWaterMark: 1 });
  return stream.once('close', done);
}
