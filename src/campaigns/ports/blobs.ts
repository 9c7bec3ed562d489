/**
 * The port of blobs: immutable files in named folders (rankings with what makes their customised models), published
 * whole, read by ranges.
 */

/**
 * A file that is open for range reads, also where its folder is deleted or replaced meanwhile. Who opens it closes it.
 */
export interface OpenBlob {
  readonly sizeBytes: number;
  /**
   * Reads from `position` into `target` until that is full or the file ends; returns the bytes read. Look-ups call it
   * for each request: it must cost little more than the read itself.
   * @throws AppError storage_failed
   */
  read(target: Uint8Array, position: number): number;
  /** Nothing is read afterwards. */
  close(): void;
}

/** Names are relative, with `/` between their parts, and never lead out of the store. */
export interface BlobReader {
  /** @throws AppError storage_failed; facts: errno, which is ENOENT where there is no such file */
  open(folder: string, file: string): OpenBlob;

  /** The whole of a small file. @throws AppError storage_failed, as `open` */
  read(folder: string, file: string): Uint8Array;

  has(folder: string): boolean;
}

export interface Blobs extends BlobReader {
  /**
   * Puts a folder with its files, all of them or none: they are durable when this returns. One that is there already is
   * replaced; who has its files open goes on reading the old ones. What killed processes left of the same folder is
   * removed.
   * @throws AppError storage_failed (disk full, read-only, no permission) with the cause; nothing half-written stays
   */
  publish(folder: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>): void;

  /** Removes a folder, if it is there. @throws AppError storage_failed */
  delete(folder: string): void;
}
