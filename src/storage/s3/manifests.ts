/**
 * The manifest of a blob folder: its files, where they are, and the sha256 of each part. A single file has the same
 * information in its metadata.
 */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectStorage } from './client.ts';
import { manifestKey, pathOf } from './keys.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const id = z.uuid();

const schema = z.object({
  format: z.literal(1),
  /** The publication that these files belong to. */
  id,
  /** Replaced publications whose files may still exist; the newest comes last. */
  earlier: z.array(id),
  /** Whether the folder is being removed. */
  deleted: z.boolean(),
  part_bytes: z.int().min(1),
  /** Small files are in the manifest itself. */
  files: z.record(
    z.string(),
    z.object({ size_bytes: z.int().min(0), parts: z.array(sha256), bytes: z.base64().optional() }),
  ),
});

export type Manifest = z.infer<typeof schema>;

/** The information about a file that a reader needs. */
export interface FileParts {
  readonly sizeBytes: number;
  /** The size of all parts but the last. */
  readonly partBytes: number;
  /** The sha256 of each part, in hexadecimal. */
  readonly parts: readonly string[];
}

/** Maximum number of replaced publications that a manifest lists. `sweep` finds the files of others by their age. */
const MOST_EARLIER = 100;

function encodeManifest(manifest: Manifest): Buffer {
  const earlier = manifest.earlier.slice(-MOST_EARLIER);
  return Buffer.from(`${JSON.stringify({ ...manifest, earlier })}\n`);
}

/** @throws AppError storage_failed if the bytes are not a manifest */
export function decodeManifest(folder: string, bytes: Uint8Array): Manifest {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    const facts = { errno: 'EBADMSG' };
    throw new AppError('storage_failed', `the manifest of ${folder} is damaged`, { facts, cause: error });
  }
}

/** The entry of a file. If its bytes are given, the manifest contains them. */
export function describeFile(sizeBytes: number, parts: string[], bytes: Uint8Array | null): Manifest['files'][string] {
  return { size_bytes: sizeBytes, parts, ...(bytes && { bytes: Buffer.from(bytes).toString('base64') }) };
}

/** The bytes of a file that is in the manifest itself; null if it is an object. */
export function bytesOfFile(manifest: Manifest, file: string): Uint8Array | null {
  const bytes = manifest.files[file]?.bytes;
  return bytes === undefined ? null : Buffer.from(bytes, 'base64');
}

/** null if the folder has no such file. */
export function partsOfFile(manifest: Manifest, file: string): FileParts | null {
  const found = Object.hasOwn(manifest.files, file) ? manifest.files[file] : undefined;
  if (found === undefined || manifest.deleted) return null;
  return { sizeBytes: found.size_bytes, partBytes: manifest.part_bytes, parts: found.parts };
}

/** Maximum number of parts whose sha256 fit into the metadata of a single file: S3 allows 2 kB. */
const MOST_LISTED = 32;

/** The part size of a single file: `partBytes` times the smallest power of 2 that gives few enough parts. */
export function singlePartBytes(sizeBytes: number, partBytes: number): number {
  let size = partBytes;
  while (Math.ceil(sizeBytes / size) > MOST_LISTED) size *= 2;
  return size;
}

/** The metadata of a single file. Keys and values are ASCII. */
export function encodeMetadata({ partBytes, parts }: FileParts): Record<string, string> {
  const sums = parts.map((sum) => Buffer.from(sum, 'hex').toString('base64'));
  return { 'part-bytes': String(partBytes), 'part-sha256': sums.join(' ') };
}

/** @throws AppError storage_failed if another program put the file */
export function decodeMetadata(name: string, sizeBytes: number, metadata: Readonly<Record<string, string>>): FileParts {
  const sums = (metadata['part-sha256'] ?? '').split(' ').filter((sum) => sum !== '');
  const partBytes = Number(metadata['part-bytes']);
  const parts = sums.map((sum) => Buffer.from(sum, 'base64').toString('hex'));
  if (!(partBytes > 0) || parts.length !== Math.ceil(sizeBytes / partBytes))
    throw new AppError('storage_failed', `the sha256 of ${name} is not in its metadata`, {
      facts: { errno: 'EBADMSG' },
    });
  return { sizeBytes, partBytes, parts };
}

/** A manifest and its ETag; null if there is none. */
export interface TaggedManifest {
  readonly manifest: Manifest | null;
  readonly etag: string | null;
}

export const NO_MANIFEST: TaggedManifest = { manifest: null, etag: null };

/** Maximum number of times that other writers of the same folder may be faster before a writer gives up. */
const MOST_REPLACED = 20;
/** Metadata of the manifest of a folder that is being removed. */
const DELETED = { deleted: 'yes' };
/** How long a manifest is cached, and maximum number of cached manifests. */
const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 1_000;

export class Manifests {
  readonly #storage: ObjectStorage;
  readonly #remembered: LRUCache<string, Manifest>;

  constructor(storage: ObjectStorage, clock: Pick<Clock, 'elapsed'>) {
    this.#storage = storage;
    this.#remembered = new LRUCache({
      max: MOST_REMEMBERED,
      ttl: REMEMBERED_MS,
      ttlResolution: 0,
      perf: { now: () => clock.elapsed() },
    });
  }

  async find(folder: string): Promise<TaggedManifest> {
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
   * The manifest that this process has read or put in the last ten seconds; null if there is none. Another process may
   * have replaced or removed the folder since.
   */
  remembered(folder: string): Manifest | null {
    return this.#remembered.get(pathOf(folder)) ?? null;
  }

  forget(folder: string): void {
    this.#remembered.delete(pathOf(folder));
  }

  /**
   * Replaces a manifest with a conditional put. If another writer was faster, `make` is called again. `assumed` is the
   * manifest that is probably there, which saves reading it first. Returns the manifest and its ETag, or null if `make`
   * returns null. Rejects with AppError storage_failed.
   */
  async replace<M extends Manifest | null>(
    folder: string,
    make: (found: TaggedManifest) => M,
    assumed?: TaggedManifest,
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
    if (manifest.deleted) this.forget(folder);
    else this.#remembered.set(pathOf(folder), manifest);
  }
}
