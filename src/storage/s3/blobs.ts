/**
 * Blobs in object storage, read through a local cache. A folder becomes visible when its manifest is put, which happens
 * last.
 */
import { randomUUID } from 'node:crypto';
import type { Blobs, BlobWriter, OpenBlob, OpenOptions, PublishOptions } from '../../domain/ports/blobs.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import { inParallel } from '../../lib/limited.ts';
import type { BlobCache } from './cache.ts';
import { type ObjectStorage, send } from './client.ts';
import { folderPrefix, manifestKey, partsOf, pathOf, publishedKey, singleKey } from './keys.ts';
import {
  bytesOfFile,
  decodeMetadata,
  describeFile,
  type FileParts,
  type Manifest,
  Manifests,
  NO_MANIFEST,
  partsOfFile,
  type TaggedManifest,
} from './manifests.ts';
import { CachedBlob, type FetchPart } from './open-blob.ts';
import type { Removal } from './removal.ts';
import { SpooledWriter, SpoolMemory } from './spool.ts';
import { inMemory, putSingle, type Source, sumsOf, upload } from './upload.ts';

export interface S3BlobsOptions {
  readonly storage: ObjectStorage;
  readonly removal: Removal;
  readonly cache: BlobCache;
  /** A folder of this machine for files that are being written. */
  readonly spool: string;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
}

/** Where a file of a folder is, and the sha256 of its parts. */
interface FileLocation {
  readonly file: FileParts;
  readonly key: string;
  readonly isSingle: boolean;
  /** The bytes of the file, if they are in the manifest. */
  readonly bytes: Uint8Array | null;
}

/** Maximum number of remembered folders of single files. */
const MOST_SINGLES = 1_000;

export class S3Blobs implements Blobs {
  readonly #storage: ObjectStorage;
  readonly #removal: Removal;
  readonly #options: S3BlobsOptions;
  readonly #manifests: Manifests;
  readonly #memory: SpoolMemory;
  /** Folders in which a single file was found, so that the manifest is not looked for first. */
  readonly #singles = new Set<string>();

  constructor(options: S3BlobsOptions) {
    this.#storage = options.storage;
    this.#removal = options.removal;
    this.#options = options;
    this.#manifests = new Manifests(options.storage, options.clock);
    const { blobPartBytes, blobSpoolParts } = options.storage.limits;
    this.#memory = new SpoolMemory(blobPartBytes, blobSpoolParts);
  }

  async open(folder: string, file: string, options: OpenOptions = {}): Promise<OpenBlob> {
    const remembered = options.isFinal ? this.#manifests.remembered(folder) : null;
    const known = remembered && this.#publishedIn(remembered, folder, file);
    if (known !== null) {
      try {
        return await this.#openFound(folder, file, known, options);
      } catch (error) {
        if (!isMissing(error)) throw error;
        // another process has removed the folder
        this.#manifests.forget(folder);
      }
    }
    const found = await this.#find(folder, file);
    if (found === null) throw missing(pathOf(folder, file));
    return await this.#openFound(folder, file, found, options);
  }

  async #openFound(folder: string, file: string, found: FileLocation, options: OpenOptions): Promise<OpenBlob> {
    const { whole = false, isReadOnce = false } = options;
    const name = pathOf(folder, file);
    const { blobReadAheadParts: readAheadParts, blobUploads: fetches } = this.#storage.limits;
    const fetch = this.#fetchPart(folder, file, found);
    const { cache } = this.#options;
    const blob = new CachedBlob({
      ...{ name, isSingle: found.isSingle, file: found.file, cache, fetch, readAheadParts, fetches, isReadOnce },
    });
    // a small file stays readable even if it is removed from the storage
    if (!whole && found.file.parts.length > 1) return blob;
    try {
      await blob.fetchAll();
      return blob;
    } catch (error) {
      blob.close();
      throw error;
    }
  }

  async read(folder: string, file: string, options: Pick<OpenOptions, 'isFinal'> = {}): Promise<Uint8Array> {
    const blob = await this.open(folder, file, { ...options, whole: true });
    try {
      const bytes = new Uint8Array(blob.sizeBytes);
      blob.read(bytes, 0);
      return bytes;
    } finally {
      blob.close();
    }
  }

  async has(folder: string): Promise<boolean> {
    const head = await this.#storage.head(manifestKey(this.#storage.prefix, folder));
    if (head !== null && head.metadata['deleted'] === undefined) return true;
    // like a folder of files, a folder of single files exists if it has one
    return (await this.list(folder)).length > 0;
  }

  async publish(
    folder: string,
    files: ReadonlyMap<string, NodeJS.ArrayBufferView>,
    { isReadHere = false }: PublishOptions = {},
  ): Promise<void> {
    const { prefix, limits } = this.#storage;
    const id = randomUUID();
    const sources = [...files].map(([file, data]): [string, Source] => [file, inMemory(data)]);
    const keyOf = (file: string) => publishedKey(prefix, folder, id, file);
    const { blobPartBytes: partBytes } = limits;
    const sums = new Map(sources.map(([file, source]) => [file, sumsOf(source, partBytes)]));
    const isInline = ({ sizeBytes }: Source) => sizeBytes <= limits.blobInlineBytes;
    const objects = sources.filter(([, source]) => !isInline(source));
    const described = Object.fromEntries(
      sources.map(([file, source]) => {
        const bytes = isInline(source) ? source.slice(0, source.sizeBytes) : null;
        return [pathOf(file), describeFile(source.sizeBytes, sums.get(file)!, bytes)];
      }),
    );
    try {
      await inParallel(objects, limits.blobUploads, ([file, source]) =>
        upload(this.#storage, keyOf(file), source, { known: { partBytes, parts: sums.get(file)! } }),
      );
    } catch (error) {
      // `sweep` removes the rest later; the write error is more important
      await inParallel(objects, 1, ([file]) => this.#removal.remove(keyOf(file))).catch(() => {});
      throw error;
    }
    // if this fails, the files stay until `sweep`, because the manifest may have been put although its answer was lost
    const make = ({ manifest }: TaggedManifest): Manifest => ({
      ...{ format: 1, id, deleted: false, part_bytes: partBytes, files: described },
      earlier: manifest === null ? [] : [...manifest.earlier, manifest.id],
    });
    // most folders are new, so the first attempt assumes that there is no manifest
    await this.#manifests.replace(folder, make, NO_MANIFEST);
    if (!isReadHere) return;
    const { cache } = this.#options;
    for (const [file, source] of sources) await cache.keep(sums.get(file)!, source, partBytes);
  }

  async delete(folder: string): Promise<void> {
    const { prefix } = this.#storage;
    const below = folderPrefix(prefix, folder);
    const folders = new Set<string>([pathOf(folder)]);
    for await (const page of this.#storage.list(below)) {
      for (const { key } of page) {
        const parts = partsOf(prefix, key);
        if (parts.kind !== 'single') folders.add(parts.folder);
      }
    }
    for (const each of folders) await this.#deletePublished(each);
    await this.#removal.removeAll(below, ({ key }) => partsOf(prefix, key).kind === 'single');
  }

  async deleteUnused(folders: readonly string[]): Promise<void> {
    for (const folder of folders) this.#manifests.forget(folder);
    await this.#removal.removeFolders(new Set(folders.map((folder) => pathOf(folder))));
  }

  write(folder: string): BlobWriter {
    const name = pathOf(folder);
    const publish = (file: string, source: Source, sums: readonly string[]) =>
      putSingle(this.#storage, folder, file, source, sums);
    return new SpooledWriter({ memory: this.#memory, folder: this.#options.spool, name, publish });
  }

  async list(folder: string): Promise<string[]> {
    const { prefix } = this.#storage;
    const below = folderPrefix(prefix, folder);
    const files = new Set<string>();
    for await (const page of this.#storage.list(below, '/')) {
      for (const { key } of page) {
        const parts = partsOf(prefix, key);
        if (parts.kind === 'single') files.add(parts.file);
        if (parts.kind !== 'manifest') continue;
        const { manifest } = await this.#manifests.find(folder);
        if (manifest !== null && !manifest.deleted) for (const file of Object.keys(manifest.files)) files.add(file);
      }
    }
    return [...files].sort();
  }

  async hasFile(folder: string, file: string): Promise<boolean> {
    return (await this.#storage.head(singleKey(this.#storage.prefix, folder, file))) !== null;
  }

  async deleteFile(folder: string, file: string): Promise<void> {
    await this.#removal.remove(singleKey(this.#storage.prefix, folder, file));
  }

  close(): void {
    this.#storage.close();
    this.#options.cache.close();
  }

  async #find(folder: string, file: string): Promise<FileLocation | null> {
    const path = pathOf(folder);
    const finders = [() => this.#findPublished(folder, file), () => this.#findSingle(folder, file)];
    if (this.#singles.has(path)) finders.reverse();
    return (await finders[0]!()) ?? (await finders[1]!());
  }

  async #findPublished(folder: string, file: string): Promise<FileLocation | null> {
    const { manifest } = await this.#manifests.find(folder);
    return manifest && this.#publishedIn(manifest, folder, file);
  }

  #publishedIn(manifest: Manifest, folder: string, file: string): FileLocation | null {
    const parts = partsOfFile(manifest, pathOf(file));
    const { prefix } = this.#storage;
    const bytes = bytesOfFile(manifest, pathOf(file));
    return parts && { file: parts, key: publishedKey(prefix, folder, manifest.id, file), isSingle: false, bytes };
  }

  async #findSingle(folder: string, file: string): Promise<FileLocation | null> {
    const key = singleKey(this.#storage.prefix, folder, file);
    const head = await this.#storage.head(key);
    if (head === null) return null;
    if (this.#singles.size === MOST_SINGLES) this.#singles.clear();
    this.#singles.add(pathOf(folder));
    return {
      file: decodeMetadata(pathOf(folder, file), head.sizeBytes, head.metadata),
      key,
      isSingle: true,
      bytes: null,
    };
  }

  /**
   * Fetches parts from where the file was when it was opened. If the file was replaced and its objects are gone, equal
   * parts are fetched from their current location.
   */
  #fetchPart(folder: string, file: string, opened: FileLocation): FetchPart {
    const { bytes } = opened;
    if (bytes !== null) return (_, position, length, sink) => send(bytes.subarray(position, position + length), sink);
    let { key } = opened;
    return async (index, position, length, sink) => {
      try {
        await this.#storage.fetch(key, position, length, sink);
      } catch (error) {
        if (!isMissing(error)) throw error;
        const found = await this.#find(folder, file);
        const isSame = found?.file.parts[index] === opened.file.parts[index];
        if (found === null || !isSame || found.file.partBytes !== opened.file.partBytes) throw error;
        await this.#storage.fetch(found.key, position, length, sink);
        key = found.key;
      }
    };
  }

  /**
   * Removes a published folder. First, the manifest is marked as deleted. It still lists the publications whose files
   * are to be removed, so an interrupted deletion can be repeated. A publication that the manifest does not list may
   * still be running, so its files are removed only if they are old.
   */
  async #deletePublished(folder: string): Promise<void> {
    const { prefix, limits } = this.#storage;
    const marked = await this.#manifests.replace(
      folder,
      ({ manifest }) => manifest && { ...manifest, deleted: true, files: {} },
    );
    const ids = new Set(marked === null ? [] : [...marked.manifest.earlier, marked.manifest.id]);
    const before = this.#options.clock.now() - limits.blobLeftoverMs;
    await this.#removal.removeAll(`${folderPrefix(prefix, folder)}_`, ({ key, modified }) => {
      const parts = partsOf(prefix, key);
      return parts.kind === 'published' && parts.folder === pathOf(folder) && (ids.has(parts.id) || modified < before);
    });
    // the condition prevents removing a manifest that another writer has just put
    if (marked !== null) await this.#removal.remove(manifestKey(prefix, folder), marked.etag);
  }
}

function missing(name: string): AppError {
  return new AppError('storage_failed', `cannot open ${name}: there is no such blob`, { facts: { errno: 'ENOENT' } });
}
