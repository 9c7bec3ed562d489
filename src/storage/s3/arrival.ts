/** Takes the bytes of a part as they arrive, and compares their sha256 with the one that the part should have. */
import { createHash } from 'node:crypto';
import type { PartId } from './cached-part.ts';
import type { Sink } from './client.ts';
import { DamagedAnswer } from './faults.ts';

export class Arrival implements Sink {
  readonly #part: PartId | null;
  readonly #store: (chunk: Uint8Array, position: number) => void;
  #hash = createHash('sha256');
  #position = 0;

  /** `store` takes the bytes. Those of a null part are not verified. */
  constructor(part: PartId | null, store: (chunk: Uint8Array, position: number) => void) {
    this.#part = part;
    this.#store = store;
  }

  restart(): void {
    this.#hash = createHash('sha256');
    this.#position = 0;
  }

  write(chunk: Uint8Array): void {
    if (this.#part !== null) this.#hash.update(chunk);
    this.#store(chunk, this.#position);
    this.#position += chunk.length;
  }

  end(): void {
    if (this.#part === null) return;
    const sum = this.#hash.digest('hex');
    if (sum !== this.#part.sha256) throw new DamagedAnswer(`the sha256 is ${sum} instead of ${this.#part.sha256}`);
  }
}
