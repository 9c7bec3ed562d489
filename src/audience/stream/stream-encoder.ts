/** Encodes streams in a thread, so that the event loop that answers look-ups only gathers rows and sends bytes. */

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
   * The bytes of the blocks, a chunk a block at most. A block is read when the chunk before it was taken and `turn`
   * says so, also if it has no rows; each stream has one in the thread at a time, and they are encoded first come,
   * first served. When a client leaves a stream, nothing more of it is read, and the thread forgets it.
   */
  async *encode(encoding: Encoding, blocks: Iterable<RowBlock>, turn: () => Promise<void>): AsyncGenerator<Uint8Array> {
    // of one thread: another would not know what is not complete yet
    const thread = this.#startedThread();
    const stream = this.#streams++;
    const run = (task: EncodeTask) => {
      if (thread !== this.#thread) throw new ThreadDied('the thread that encoded this stream is closed');
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
      // one that is broken or closed has forgotten it
      if (!isOver && thread === this.#thread) void thread.run({ stream, step: 'drop' }).catch(() => {});
    }
  }

  /** Ends the thread; streams that are open fail. */
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
    // its streams fail, and the next one starts another
    thread.broken.catch(() => {
      if (this.#thread === thread) this.#thread = null;
      // one that hangs would go on
      void thread.terminate();
    });
    this.#thread = thread;
    return thread;
  }
}
