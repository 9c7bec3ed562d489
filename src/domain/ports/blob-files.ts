/**
 * The port of single files in the storage of blobs: the files of populations and models, which have names and
 * conditions of their own instead of folders.
 */

/** A stored file without its bytes. */
export interface BlobFileEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** When the file was put, in milliseconds since 1970, by the clock of the storage. */
  readonly putAt: number;
}

/** A small stored file. `tag` identifies this state of the file (an ETag, for example). */
export interface TaggedFile {
  readonly data: Uint8Array;
  readonly tag: string;
}

/**
 * When a file is put: always, only if there is no file of this name, or only if the file still has this tag. Of several
 * callers that put the same file at once with a condition, one succeeds.
 */
export type PutCondition = 'always' | 'if-absent' | { readonly ifTag: string };

/**
 * Names are relative, with `/` between their parts. A file appears with all its bytes or not at all. What a promise
 * reports is durable, and every later call of any host sees it. All promises reject with AppError storage_failed.
 */
export interface BlobFiles {
  /** A small file; null if there is no file of this name. */
  find(name: string): Promise<TaggedFile | null>;

  /** Puts a small file. Returns its tag; null if the condition was not met, and nothing was put. */
  put(name: string, data: Uint8Array, condition?: PutCondition): Promise<string | null>;

  /** Puts bytes of any size, which must not change meanwhile. A stored file of this name is replaced. */
  putLarge(name: string, data: Uint8Array): Promise<void>;

  /** Puts a file of this machine, of any size. A stored file of this name is replaced. */
  putFile(name: string, path: string): Promise<void>;

  /**
   * Fetches a file of any size into a new file of this machine, whose folder must exist. Nothing is left at `path` if
   * the promise rejects. The caller verifies the bytes. The error of a file that does not exist has the errno ENOENT.
   */
  fetchFile(name: string, path: string): Promise<void>;

  /** All files whose names begin with `prefix`, in any order. */
  list(prefix: string): Promise<readonly BlobFileEntry[]>;

  /** Deletes a file if it exists, with all its stored versions. */
  deleteFile(name: string): Promise<void>;
}

/** A stored file whose sha256 is recorded. */
export interface RecordedFile {
  readonly name: string;
  readonly sha256: string;
  /** What needs the file, for people: a version, and the file's path in it. */
  readonly neededBy: string;
}

/** What published versions consist of. */
export interface RecordedFiles {
  /** Number of published versions. */
  readonly versions: number;
  /** In any order; a file that several versions need occurs once for each. */
  readonly files: readonly RecordedFile[];
  /** What cannot be read or does not fit together, so that `files` may be incomplete. */
  readonly faults: readonly { readonly name: string; readonly message: string }[];
}
