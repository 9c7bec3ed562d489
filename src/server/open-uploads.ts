/** Uploads in flight: how many there may be, and which connections they come over. */
import type { Socket } from 'node:net';
import { createSlots } from './slots.ts';

export class OpenUploads {
  readonly #take: ReturnType<typeof createSlots>;
  readonly #sockets = new Set<Socket>();

  constructor(maximum: number) {
    this.#take = createSlots(maximum, 'uploads are in progress');
  }

  /** Counts an upload until the function that it gives is called. @throws AppError unavailable (facts: retry_after in seconds) */
  open(socket: Socket): () => void {
    const release = this.#take();
    this.#sockets.add(socket);
    return () => {
      this.#sockets.delete(socket);
      release();
    };
  }

  /** Whether an upload comes over this connection: it may take longer than other requests, as long as it does not stall. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }
}
