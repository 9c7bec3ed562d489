/**
 * Encodes streams in a separate thread, because the event loop also serves look-ups. The event loop only gathers rows
 * and sends bytes.
 */

import { TASK_LIMIT } from '../../lib/threads/single-task-threads.ts';
import { ThreadDied, ThreadGroup } from '../../lib/threads/thread-group.ts';
import type { Encoding, RowBlock } from './block-encoding.ts';
import type { EncodeTask } from './encode-thread.ts';

type EncodeThread = ThreadGroup<EncodeTask, Uint8Array>;

/** Encodes all streams in one thread, which starts with the first stream. */
export class StreamEncoder {
  #thread: EncodeThread | null = null;
  #streams = 0;

  /**
   * Yields the bytes of the blocks, at most one chunk for each block. The next block is read only after the previous
   * chunk has been consumed and `turn` has resolved, even if the block has no rows. Each stream has at most one block
   * in the thread, and blocks are encoded in order of arrival. When a client disconnects, no more blocks are read, and
   * the thread drops the stream.
   */
  async *encode(
    encoding: Encoding,
    blocks: AsyncIterable<RowBlock>,
    turn: () => Promise<void>,
  ): AsyncGenerator<Uint8Array> {
    // all blocks of a stream go to the same thread, because another thread would lack the incomplete part of the stream
    const thread = this.#startedThread();
    const stream = this.#streams++;
    const run = (task: EncodeTask) => {
      if (thread !== this.#thread) throw new ThreadDied('the thread that encoded this stream was closed');
      return thread.run(task);
    };
    let isOver = false;
    try {
      await turn();
      for await (const block of blocks) {
        if (block.ids.ends.length > 0) {
          const bytes = await run({ stream, step: 'add', encoding, block });
          if (bytes.length > 0) yield bytes;
        }
        await turn();
      }
      const rest = await run({ stream, step: 'end', encoding });
      isOver = true;
      if (rest.length > 0) yield rest;
    } finally {
      // a thread that is broken or closed no longer has the stream, so there is nothing to drop
      if (!isOver && thread === this.#thread) void thread.run({ stream, step: 'drop' }).catch(() => {});
    }
  }

  /** Ends the thread. Open streams fail. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }

  #startedThread(): EncodeThread {
    if (this.#thread !== null) return this.#thread;
    const thread: EncodeThread = new ThreadGroup(
      { beside: import.meta.url, name: 'encode-thread', data: null },
      1,
      TASK_LIMIT,
    );
    // if the thread breaks, its streams fail and the next stream starts another thread
    thread.broken.catch(() => {
      if (this.#thread === thread) this.#thread = null;
      // without this call, a thread that hangs would continue to run
      void thread.terminate();
    });
    this.#thread = thread;
    return thread;
  }
}
