/**
 * Implements the port of blobs with files on the local disk. A method has done its work when it returns its promise.
 */
import type { Blobs, BlobWriter, OpenBlob } from '../../domain/ports/blobs.ts';
import type { FileBlobs } from './blobs.ts';

export class PromisedBlobs implements Blobs {
  readonly #files: FileBlobs;

  constructor(files: FileBlobs) {
    this.#files = files;
  }

  async open(folder: string, file: string): Promise<OpenBlob> {
    return this.#files.open(folder, file);
  }

  async read(folder: string, file: string): Promise<Uint8Array> {
    return this.#files.read(folder, file);
  }

  async has(folder: string): Promise<boolean> {
    return this.#files.has(folder);
  }

  async publish(folder: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>): Promise<void> {
    this.#files.publish(folder, files);
  }

  async delete(folder: string): Promise<void> {
    this.#files.delete(folder);
  }

  async deleteUnused(folders: readonly string[]): Promise<void> {
    for (const folder of folders) this.#files.delete(folder);
  }

  write(folder: string): BlobWriter {
    const writer = this.#files.write(folder);
    return {
      read: (target, position) => writer.read(target, position),
      write: (data) => writer.write(data),
      abort: () => writer.abort(),
      async finish() {
        const blob = await writer.finish();
        return { publish: async (file) => blob.publish(file), discard: () => blob.discard() };
      },
    };
  }

  async list(folder: string): Promise<string[]> {
    return this.#files.list(folder);
  }

  async hasFile(folder: string, file: string): Promise<boolean> {
    return this.#files.hasFile(folder, file);
  }

  async deleteFile(folder: string, file: string): Promise<void> {
    this.#files.deleteFile(folder, file);
  }
}
