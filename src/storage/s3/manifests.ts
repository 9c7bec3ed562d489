/** Reads and replaces the manifests of published folders. */
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectStorage } from './client.ts';
import { manifestKey, pathOf } from './keys.ts';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts';

/** A manifest and its ETag; null if there is none. */
export interface FoundManifest {
  readonly manifest: Manifest | null;
  readonly etag: string | null;
}

export const NO_MANIFEST: FoundManifest = { manifest: null, etag: null };

/** Maximum number of writers of one folder that may be ahead of a writer. */
const MOST_REPLACED = 20;
/** Metadata of the manifest of a folder that is being removed. */
const DELETED = { deleted: 'yes' };
/** How long a manifest is remembered, and maximum number of them. */
const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 1_000;

export class Manifests {
  readonly #storage: ObjectStorage;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #remembered = new Map<string, { readonly manifest: Manifest; readonly until: number }>();

  constructor(storage: ObjectStorage, clock: Pick<Clock, 'elapsed'>) {
    this.#storage = storage;
    this.#clock = clock;
  }

  async find(folder: string): Promise<FoundManifest> {
    const found = await this.#storage.find(manifestKey(this.#storage.prefix, folder));
    if (found === null) {
      this.forget(folder);
      return NO_MANIFEST;
    }
    const manifest = decodeManifest(folder, found.bytes);
    this.#remember(folder, manifest);
    return { manifest, etag: found.etag };
  }

  /**
   * The manifest that this process read or put lately; null if it does not know one. Another process may have replaced
   * or removed the folder meanwhile.
   */
  remembered(folder: string): Manifest | null {
    const known = this.#remembered.get(pathOf(folder));
    return known !== undefined && this.#clock.elapsed() < known.until ? known.manifest : null;
  }

  forget(folder: string): void {
    this.#remembered.delete(pathOf(folder));
  }

  /**
   * Puts a manifest on condition that nobody puts another one meanwhile; otherwise `make` is asked again. `assumed` is
   * what is probably there, which need not be read. Returns the manifest and its ETag; null if `make` does. Rejects
   * with AppError storage_failed.
   */
  async replace<M extends Manifest | null>(
    folder: string,
    make: (found: FoundManifest) => M,
    assumed?: FoundManifest,
  ): Promise<{ readonly manifest: Manifest; readonly etag: string } | null> {
    const key = manifestKey(this.#storage.prefix, folder);
    for (let i = 0; i < MOST_REPLACED; i++) {
      const found = i === 0 && assumed !== undefined ? assumed : await this.find(folder);
      const manifest = make(found);
      if (manifest === null) return null;
      const condition = found.etag === null ? 'if-absent' : { ifTag: found.etag };
      const metadata = manifest.deleted ? DELETED : {};
      const etag = await this.#storage.put(key, encodeManifest(manifest), { condition, metadata });
      if (etag === null) continue;
      this.#remember(folder, manifest);
      return { manifest, etag };
    }
    const facts = { errno: 'EBUSY' };
    throw new AppError('storage_failed', `cannot write ${folder}: too many others write it at the same time`, {
      facts,
    });
  }

  #remember(folder: string, manifest: Manifest): void {
    const path = pathOf(folder);
    this.#remembered.delete(path);
    if (manifest.deleted) return;
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!);
    this.#remembered.set(path, { manifest, until: this.#clock.elapsed() + REMEMBERED_MS });
  }
}
