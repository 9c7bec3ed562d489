/**
 * Blobs on the local disk, for code that stores them inside a database transaction: the port `blobs.ts`, synchronous.
 */

/**
 * An open file for range reads. The file can be read even if its folder is deleted or replaced in the meantime. The
 * caller that opened the file must close it.
 */
export interface OpenBlob extends ReadRanges {
  readonly sizeBytes: number;
  /** Closes the file. Nothing can be read afterwards. */
  close(): void;
}

export interface ReadRanges {
  /**
   * Reads from `position` until `target` is full or the file ends; returns the number of bytes read. This method is
   * called for each look-up, so it must add little time to the read itself.
   * @throws AppError storage_failed
   */
  read(target: Uint8Array, position: number): number;
}

/** Reads blobs. Names are relative, with `/` between their parts, and never point outside the store. */
export interface BlobReader {
  /** @throws AppError storage_failed; facts: errno, which is ENOENT if the file does not exist */
  open(folder: string, file: string): OpenBlob;

  /**
   * The contents of a small file.
   * @throws AppError storage_failed, as `open`
   */
  read(folder: string, file: string): Uint8Array;

  has(folder: string): boolean;
}

/**
 * A file of any size that is being written. The part written so far can be read. If a method throws, no part of the
 * file is left.
 */
export interface BlobWriter extends ReadRanges {
  /** Appends data to the file. @throws AppError storage_failed */
  write(data: NodeJS.ArrayBufferView): void;

  /**
   * Makes the file durable, without blocking other work.
   * @throws AppError storage_failed
   */
  finish(): Promise<UnnamedBlob>;

  /**
   * Like `finish`, but synchronous.
   * @throws AppError storage_failed
   */
  finishSync(): UnnamedBlob;

  /** Discards the file. This method may be called more than once. */
  abort(): void;
}

/** A file whose bytes are durable but which has no name yet. Its owner must publish or discard it. */
export interface UnnamedBlob {
  /**
   * Gives the file its name, replacing any file of that name. The change is durable when the method returns.
   * @throws AppError storage_failed
   */
  publish(file: string): void;

  /** Removes the file if it was not published. */
  discard(): void;
}

export interface Blobs extends BlobReader {
  /**
   * Writes a folder and all its files; they are durable when the method returns. An existing folder is replaced;
   * readers with open files continue to read the old files. Also removes unfinished copies of this folder that killed
   * processes left behind.
   * @throws AppError storage_failed (disk full, read-only, no permission) with the cause; no part of the folder remains
   */
  publish(folder: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>): void;

  /** Removes a folder if it exists. @throws AppError storage_failed */
  delete(folder: string): void;

  /**
   * Begins a file in a folder.
   * @throws AppError storage_failed
   */
  write(folder: string): BlobWriter;

  /**
   * The names of a folder's files; empty if there is no such folder.
   * @throws AppError storage_failed
   */
  list(folder: string): string[];

  /** Whether a file exists. */
  hasFile(folder: string, file: string): boolean;

  /**
   * Removes a file from a folder, if it exists.
   * @throws AppError storage_failed
   */
  deleteFile(folder: string, file: string): void;
}
