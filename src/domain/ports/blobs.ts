/**
 * The port of blobs, immutable files in named folders. A ranking, with what makes its customised model, is a folder
 * that is published whole. User sets are files of one folder, written as their bytes come and named by them.
 */

/**
 * A file open for range reads, even if its folder is deleted or replaced meanwhile. Whoever opens it must close it.
 */
export interface OpenBlob extends ReadRanges {
  readonly sizeBytes: number;
  /** Nothing is read afterwards. */
  close(): void;
}

export interface ReadRanges {
  /**
   * Reads from `position` into `target` until that is full or the file ends; returns the bytes read. Look-ups call it
   * for each request: it must take little longer than the read itself.
   * @throws AppError storage_failed
   */
  read(target: Uint8Array, position: number): number;
}

/** Names are relative, with `/` between their parts, and never lead out of the store. */
export interface BlobReader {
  /** @throws AppError storage_failed; facts: errno, which is ENOENT if the file does not exist */
  open(folder: string, file: string): OpenBlob;

  /** The whole of a small file. @throws AppError storage_failed, as `open` */
  read(folder: string, file: string): Uint8Array;

  has(folder: string): boolean;
}

/** A file that is being written, of any size; what was written can be read. Where a method throws, nothing is left. */
export interface BlobWriter extends ReadRanges {
  /** Appends. @throws AppError storage_failed */
  write(data: NodeJS.ArrayBufferView): void;

  /** The file, durable; other work goes on meanwhile. @throws AppError storage_failed */
  finish(): Promise<UnnamedBlob>;

  /** The same at once. @throws AppError storage_failed */
  finishSync(): UnnamedBlob;

  /** Ends without a file; it may be called more than once. */
  abort(): void;
}

/** A file whose bytes are durable, but which has no name yet. Its owner must publish or discard it. */
export interface UnnamedBlob {
  /**
   * Gives it its name, in the place of a file that has it; durable when this returns. @throws AppError storage_failed
   */
  publish(file: string): void;

  /** Removes it where it was not published. */
  discard(): void;
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

  /** Begins a file of a folder. @throws AppError storage_failed */
  write(folder: string): BlobWriter;

  /** The names of a folder's files; none where there is no such folder. @throws AppError storage_failed */
  list(folder: string): string[];

  /** Removes a file of a folder, if it is there. @throws AppError storage_failed */
  deleteFile(folder: string, file: string): void;

  /** Removes the files that killed processes had begun in a folder. Only while nobody writes there. */
  removeUnfinished(folder: string): void;
}
