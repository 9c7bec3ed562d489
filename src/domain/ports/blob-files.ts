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
 * Names are relative, with `/` as the separator. A file appears with all its bytes or not at all. When a promise
 * resolves, its effect is durable and visible to every later call on any host. All promises reject with AppError
 * storage_failed.
 */
export interface BlobFiles {
  /** A small file; null if there is no file of this name. */
  find(name: string): Promise<TaggedFile | null>;

  /** Puts a small file. Returns its tag; null if the condition was not met, and nothing was put. */
  put(name: string, data: Uint8Array, condition?: PutCondition): Promise<string | null>;

  /**
   * Stores bytes of any size, replacing a file of this name. The caller must not change the bytes before the promise
   * settles.
   */
  putLarge(name: string, data: Uint8Array): Promise<void>;

  /** Stores a local file of any size, replacing a file of this name. */
  putFile(name: string, path: string): Promise<void>;

  /**
   * Copies a file of any size to a new local file, whose folder must exist. If the promise rejects, nothing is left at
   * `path`. The caller verifies the bytes. If the file does not exist, the error has the errno ENOENT.
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
  /** For messages: the version that needs the file, and the path of the file in this version. */
  readonly neededBy: string;
}

/** The files of published versions. */
export interface RecordedFiles {
  /** Number of published versions. */
  readonly versions: number;
  /** In any order. A file that several versions need is listed once per version. */
  readonly files: readonly RecordedFile[];
  /**
   * Indexes and manifests that are unreadable or contradict each other. If there are any, `files` may be incomplete.
   */
  readonly faults: readonly { readonly name: string; readonly message: string }[];
}
