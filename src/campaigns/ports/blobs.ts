/**
 * The port of blobs: immutable files in named folders (rankings with the changes of their customised models), published
 * atomically, read by ranges.
 */

/**
 * A file open for range reads, even if its folder is deleted or replaced meanwhile. Whoever opens it must close it.
 */
export interface OpenBlob {
  readonly sizeBytes: number;
  /**
   * Reads from `position` into `target` until that is full or the file ends; returns the bytes read. Look-ups call it
   * for each request: it must take little longer than the read itself.
   * @throws AppError storage_failed
   */
  read(target: Uint8Array, position: number): number;
  /** Nothing is read afterwards. */
  close(): void;
}

/** Names are relative, with `/` between their parts, and never lead out of the store. */
export interface BlobReader {
  /** @throws AppError storage_failed; facts: errno, which is ENOENT if the file does not exist */
  open(folder: string, file: string): OpenBlob;

  /** The whole of a small file. @throws AppError storage_failed, as `open` */
  read(folder: string, file: string): Uint8Array;

  has(folder: string): boolean;
}

export interface Blobs extends BlobReader {
  /**
   * Writes a folder with its files, all of them or none: they are durable when this returns. An existing one is
   * replaced; readers with open files continue to read the old ones. Leftovers of killed processes for the same folder
   * are removed.
   * @throws AppError storage_failed (disk full, read-only, no permission) with the cause; nothing half-written stays
   */
  publish(folder: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>): void;

  /** Removes a folder if it exists. @throws AppError storage_failed */
  delete(folder: string): void;
}
