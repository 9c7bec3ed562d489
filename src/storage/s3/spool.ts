/**
 * A file of this machine that is written before it goes to object storage. It never has a name, so nothing is left of
 * it if the process dies.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, fdatasync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BlobWriter, UnnamedBlob } from '../../domain/ports/blobs.ts';
import { assert } from '../../lib/errors.ts';
import { createFolder, storageError, withStorage, writeAll } from '../../lib/files/durable-files.ts';
import { readFully } from '../../lib/files/slices.ts';
import { PartHasher, type Source } from './upload.ts';

const sync = promisify(fdatasync);

export interface Spool {
  /** The file is created here. */
  readonly folder: string;
  /** Names the file in errors. */
  readonly name: string;
  readonly partBytes: number;
  /** Puts the bytes, of whose parts `sums` are the sha256. */
  readonly publish: (file: string, source: Source, sums: readonly string[]) => Promise<void>;
}

export class SpooledWriter implements BlobWriter {
  readonly #name: string;
  readonly #publish: Spool['publish'];
  readonly #hasher: PartHasher;
  readonly #descriptor: number;
  #sizeBytes = 0;
  #isOpen = true;

  /** @throws AppError storage_failed */
  constructor({ folder, name, partBytes, publish }: Spool) {
    this.#name = name;
    this.#hasher = new PartHasher(partBytes);
    this.#publish = publish;
    this.#descriptor = withStorage(`write into ${name}`, () => {
      createFolder(folder);
      const path = join(folder, randomUUID());
      const descriptor = openSync(path, 'wx+');
      unlinkSync(path);
      return descriptor;
    });
  }

  write(data: NodeJS.ArrayBufferView): void {
    this.#orAbort(() => writeAll(this.#descriptor, data, null));
    this.#hasher.add(data);
    this.#sizeBytes += data.byteLength;
  }

  read(target: Uint8Array, position: number): number {
    return this.#orAbort(() => readFully(this.#descriptor, target, position));
  }

  async finish(): Promise<UnnamedBlob> {
    try {
      await sync(this.#descriptor);
    } catch (error) {
      this.abort();
      throw storageError(`write ${this.#name}`, error);
    }
    const sums = this.#hasher.end();
    return {
      publish: async (file) => {
        assert(this.#isOpen, `${this.#name} is closed`);
        const source = { sizeBytes: this.#sizeBytes, slice: (at: number, length: number) => this.#slice(at, length) };
        await this.#publish(file, source, sums);
        this.abort();
      },
      discard: () => this.abort(),
    };
  }

  abort(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }

  #slice(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.read(bytes, position);
    return bytes;
  }

  #orAbort<T>(action: () => T): T {
    // the number of a closed descriptor may now belong to another file
    assert(this.#isOpen, `${this.#name} is closed`);
    try {
      return withStorage(`write ${this.#name}`, action);
    } catch (error) {
      this.abort();
      throw error;
    }
  }
}
