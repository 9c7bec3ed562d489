/**
 * The port of blobs: immutable files in named folders. A ranking and the changes of its customised model are published
 * together, as one folder. All user sets are files in one folder. Each set is written as its bytes arrive, and named
 * after its contents.
 *
 * Blobs may be on another machine. Calls that may need it return promises. Reads of an open blob are synchronous; if
 * the bytes are not on this machine yet, the read throws `PartMissing`, and `untilRead` fetches them.
 */
import { AppError } from '../../lib/errors.ts';

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
   * @throws AppError storage_failed; PartMissing if the bytes have to be fetched first (never for local files)
   */
  read(target: Uint8Array, position: number): number;
}

export interface OpenOptions {
  readonly whole?: boolean;
  /**
   * Whether the folder is never replaced. If so, a process caches what it knows about the folder, so it may still open
   * a file after another process has removed the folder.
   */
  readonly isFinal?: boolean;
  /** Whether this process reads the file only once, so its bytes need not stay on this machine afterwards. */
  readonly isReadOnce?: boolean;
}

export interface PublishOptions {
  /**
   * Whether this process will soon read the files, which are complete. If blobs are on another machine, a copy is kept
   * on this one.
   */
  readonly isReadHere?: boolean;
}

/** Reads blobs. Names are relative, with `/` between their parts, and never point outside the store. */
export interface BlobReader {
  /**
   * Opens a file. With `whole`, all its bytes are on this machine when the promise resolves, and no read of the file
   * throws PartMissing. Rejects with AppError storage_failed; facts: errno, which is ENOENT if the file does not exist.
   */
  open(folder: string, file: string, options?: OpenOptions): Promise<OpenBlob>;

  /** The contents of a small file. Rejects with AppError storage_failed, like `open`. */
  read(folder: string, file: string, options?: Pick<OpenOptions, 'isFinal'>): Promise<Uint8Array>;

  /** Whether a folder exists. Rejects with AppError storage_failed if that cannot be determined. */
  has(folder: string): Promise<boolean>;
}

/**
 * A file of any size that is being written. Until it is published, the file is on this machine, and the part written so
 * far can be read. If a method throws, no part of the file is left.
 */
export interface BlobWriter extends ReadRanges {
  /** Appends data to the file. @throws AppError storage_failed */
  write(data: NodeJS.ArrayBufferView): void;

  /**
   * Completes the file without blocking other work. If blobs are on this machine, the file is durable afterwards.
   * Rejects with AppError storage_failed.
   */
  finish(): Promise<UnnamedBlob>;

  /** Discards the file. This method may be called more than once. */
  abort(): void;
}

/** A complete file that has no name yet. Its owner must publish or discard it. */
export interface UnnamedBlob {
  /**
   * Gives the file its name, replacing any file of that name. The change is durable when the promise resolves. Rejects
   * with AppError storage_failed.
   */
  publish(file: string): Promise<void>;

  /** Removes the file if it was not published. */
  discard(): void;
}

/** All methods throw an error at once, or reject, if a name points outside the store. */
export interface Blobs extends BlobReader {
  /**
   * Writes a folder and all its files; they are durable when the promise resolves. An existing folder is replaced;
   * readers with open files continue to read the old files. Also removes unfinished copies of this folder that killed
   * processes left behind. The caller must not change `files` before the promise settles. Rejects with AppError
   * storage_failed (disk full, read-only, no permission) with the cause; no part of the folder remains.
   */
  publish(folder: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>, options?: PublishOptions): Promise<void>;

  /** Removes a folder if it exists. Rejects with AppError storage_failed. */
  delete(folder: string): Promise<void>;

  /**
   * Removes the folders that exist. Nobody may read or write them any more. This takes fewer storage calls than
   * `delete`, but until the promise settles, a folder may contain only some of its files. Rejects with AppError
   * storage_failed.
   */
  deleteUnused(folders: readonly string[]): Promise<void>;

  /**
   * Begins a file in a folder.
   * @throws AppError storage_failed
   */
  write(folder: string): BlobWriter;

  /** The names of a folder's files; empty if there is no such folder. Rejects with AppError storage_failed. */
  list(folder: string): Promise<string[]>;

  /**
   * Whether a single file (published by a writer) exists. This asks the storage itself, not a cache, so that a file
   * that another process has just removed does not exist. Rejects with AppError storage_failed.
   */
  hasFile(folder: string, file: string): Promise<boolean>;

  /** Removes a file from a folder, if it exists. Rejects with AppError storage_failed. */
  deleteFile(folder: string, file: string): Promise<void>;
}

/** Thrown by a read whose bytes are not on this machine yet. `fetch` brings them; then the read can be repeated. */
export class PartMissing extends Error {
  /** Fetches the missing bytes. Rejects with AppError storage_failed. */
  readonly fetch: () => Promise<void>;

  constructor(fetch: () => Promise<void>) {
    super('a part of a blob must be fetched before it can be read');
    this.name = 'PartMissing';
    this.fetch = fetch;
  }
}

/**
 * How often `untilRead` repeats one piece of work. Each repetition fetches a part, so more repetitions mean that the
 * parts that the work needs do not fit on this machine at the same time.
 */
const MAXIMUM_FETCHES = 4_096;

/**
 * Returns the result of `work`. If `work` throws `PartMissing`, the part is fetched, and `work` runs again from its
 * beginning. `work` must be synchronous and have no effect that a repetition would double. If nothing is missing, the
 * result is returned at once, without a promise.
 */
export function untilRead<T>(work: () => T): T | Promise<T> {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PartMissing)) throw error;
    return afterFetch(error, work);
  }
}

/**
 * Like `untilRead`, for work that is a step of a generator: yields what is missing, which the caller fetches before it
 * continues.
 */
export function* readingParts<T>(work: () => T): Generator<PartMissing, T, void> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PartMissing)) throw error;
      yield error;
    }
  }
}

async function afterFetch<T>(first: PartMissing, work: () => T): Promise<T> {
  let missing = first;
  for (let fetches = 0; fetches < MAXIMUM_FETCHES; fetches++) {
    await missing.fetch();
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PartMissing)) throw error;
      missing = error;
    }
  }
  throw new AppError('storage_failed', 'the cache of blobs is too small for the parts that one request reads');
}
