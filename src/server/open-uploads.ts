/** Uploads in flight: how many there may be, and which connections they come over. */
import type { Socket } from 'node:net';
import { AppError } from '../lib/errors.ts';

const RETRY_SECONDS = 5;

export class OpenUploads {
  readonly #maximum: number;
  readonly #sockets = new Set<Socket>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Counts an upload until the function that it gives is called. @throws AppError unavailable (facts: retry_after in seconds) */
  open(socket: Socket): () => void {
    if (this.#sockets.size >= this.#maximum) {
      const message = `${this.#maximum} uploads are in progress already`;
      throw new AppError('unavailable', message, { facts: { retry_after: RETRY_SECONDS } });
    }
    this.#sockets.add(socket);
    return () => this.#sockets.delete(socket);
  }

  /** Whether an upload comes over this connection: it may take longer than other requests, as long as it does not stall. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }
}
