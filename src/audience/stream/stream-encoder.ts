/** Encodes streams in a thread: the event loop, which also serves look-ups, only gathers rows and sends bytes. */

import { TASK_LIMIT } from '../../lib/threads/single-task-threads.ts';
import { ThreadDied, ThreadGroup } from '../../lib/threads/thread-group.ts';
import type { Encoding, RowBlock } from './block-encoding.ts';
import type { EncodeTask } from './encode-thread.ts';

type EncodeThread = ThreadGroup<EncodeTask, Uint8Array>;

/** One thread for all streams, started with the first of them. */
export class StreamEncoder {
  #thread: EncodeThread | null = null;
  #streams = 0;

  /**
   * Yields the bytes of the blocks, at most one chunk for each block. A block, even one without rows, is read only
   * after the previous chunk was consumed and `turn` has resolved. Each stream has at most one block in the thread, and
   * blocks are encoded first come, first served. When a client disconnects, no more blocks are read, and the thread
   * drops the stream.
   */
  async *encode(encoding: Encoding, blocks: Iterable<RowBlock>, turn: () => Promise<void>): AsyncGenerator<Uint8Array> {
    // all blocks go to the same thread: another thread would lack the incomplete part of the stream
    const thread = this.#startedThread();
    const stream = this.#streams++;
    const run = (task: EncodeTask) => {
      if (thread !== this.#thread) throw new ThreadDied('the thread that encoded this stream was closed');
      return thread.run(task);
    };
    let isOver = false;
    try {
      await turn();
      for (const block of blocks) {
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
      // a broken or closed thread no longer has the stream
      if (!isOver && thread === this.#thread) void thread.run({ stream, step: 'drop' }).catch(() => {});
    }
  }

  /** Ends the thread; open streams fail. */
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
    // its streams fail, and the next stream starts another thread
    thread.broken.catch(() => {
      if (this.#thread === thread) this.#thread = null;
      // a thread that hangs would otherwise continue
      void thread.terminate();
    });
    this.#thread = thread;
    return thread;
  }
}
