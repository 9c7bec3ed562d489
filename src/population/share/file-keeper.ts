/** Stores files named after their sha256 for a version that has no name yet, and keeps sweeps from removing them. */
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { fileName, type PublishedIndex } from './index-schema.ts';
import { announce, storedNames } from './put-version.ts';

/** How often a running import says that it is still running. A sweep regards it as killed much later. */
const ANNOUNCE_EVERY_MS = 10 * 60_000;

/** Number and size of the files that an import had to store, and number of its files that had been stored before. */
export interface StoredFiles {
  files: number;
  bytes: number;
  known: number;
}

export interface KeeperOptions {
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
  readonly stored: StoredFiles;
  /** Called from time to time with the current index; may throw, to end the import early. */
  readonly onIndex?: (index: PublishedIndex) => void;
}

export class FileKeeper {
  /** Names of files that are stored. */
  readonly known: ReadonlySet<string>;
  readonly #known: Set<string>;
  readonly #files: BlobFiles;
  readonly #announced: string;
  readonly #options: KeeperOptions;
  #announcedAt: number;

  /** `announced` is a name in `incoming` that has no manifest. @throws AppError storage_failed, unavailable */
  static async open(files: BlobFiles, announced: string, options: KeeperOptions): Promise<FileKeeper> {
    await announce(files, announced, [], options.now);
    // what is stored is listed after the announcement, so that no sweep removes it any more
    return new FileKeeper(files, announced, await storedNames(files), options);
  }

  private constructor(files: BlobFiles, announced: string, known: Set<string>, options: KeeperOptions) {
    this.#files = files;
    this.#announced = announced;
    this.#known = known;
    this.known = known;
    this.#options = options;
    this.#announcedAt = options.now();
  }

  /** Stores a file unless it is stored. @throws AppError storage_failed, and the errors of `renew` */
  async store(sha256: string, bytes: Uint8Array): Promise<void> {
    await this.renew();
    const { stored } = this.#options;
    const name = fileName(sha256);
    if (this.#known.has(name)) {
      stored.known += 1;
      return;
    }
    await this.#files.putLarge(name, bytes);
    this.#known.add(name);
    stored.files += 1;
    stored.bytes += bytes.length;
  }

  /** Announces the import again if ten minutes have passed. @throws the errors of `onIndex`, AppError storage_failed */
  async renew(): Promise<void> {
    const { now, onIndex } = this.#options;
    if (now() - this.#announcedAt < ANNOUNCE_EVERY_MS) return;
    this.#announcedAt = now();
    onIndex?.((await announce(this.#files, this.#announced, [], now)).index);
  }
}
