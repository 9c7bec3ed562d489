/** Removes objects that no blob needs any more: leftovers of killed writers, and files of replaced publications. */
import type { Clock } from '../../lib/clock.ts';
import type { ObjectEntry, ObjectStorage } from './client.ts';
import { manifestKey, partsOf } from './keys.ts';
import { decodeManifest } from './manifests.ts';
import type { Removal } from './removal.ts';
import { abortUploads } from './upload.ts';

export interface SweepReport {
  readonly removedObjects: number;
  readonly removedBytes: number;
  readonly abortedUploads: number;
}

/** The objects of a folder whose names begin with an underscore. */
interface Folder {
  readonly name: string;
  manifest: ObjectEntry | null;
  readonly publications: Map<string, ObjectEntry[]>;
}

/** A manifest of a folder that is being removed lists no files, so it is no larger than this. */
const SMALL_MANIFEST_BYTES = 512;

/**
 * Lists all blobs once, and removes the leftovers that are older than the limit. Blobs of other writers and open
 * readers are safe as long as no write, and no reader of a replaced blob, takes longer than the limit. Interrupted
 * deletions of folders are completed by `remove`. Rejects with AppError storage_failed.
 */
export async function sweep(
  storage: ObjectStorage,
  removal: Removal,
  clock: Pick<Clock, 'now'>,
  remove: (folder: string) => Promise<void>,
): Promise<SweepReport> {
  const before = clock.now() - storage.limits.blobLeftoverMs;
  const abortedUploads = await abortUploads(storage, before);
  let removedObjects = 0;
  let removedBytes = 0;
  for await (const folder of foldersOf(storage)) {
    const { leftovers, isDeleted } = await leftoversOf(storage, folder, before);
    for (const { key, sizeBytes } of leftovers) {
      await removal.remove(key);
      removedObjects += 1;
      removedBytes += sizeBytes;
    }
    if (isDeleted) await remove(folder.name);
  }
  return { removedObjects, removedBytes, abortedUploads };
}

/** Folders with a manifest or publications, in the order of their keys. */
async function* foldersOf(storage: ObjectStorage): AsyncGenerator<Folder> {
  let folder = null as Folder | null;
  for await (const page of storage.list(storage.prefix)) {
    for (const entry of page) {
      const parts = partsOf(storage.prefix, entry.key);
      if (parts.kind === 'single') continue;
      if (folder?.name !== parts.folder) {
        if (folder !== null) yield folder;
        folder = { name: parts.folder, manifest: null, publications: new Map() };
      }
      if (parts.kind === 'manifest') folder.manifest = entry;
      else folder.publications.set(parts.id, [...(folder.publications.get(parts.id) ?? []), entry]);
    }
  }
  if (folder !== null) yield folder;
}

/** Reads the manifest only if it may leave something to remove. */
async function leftoversOf(
  storage: ObjectStorage,
  { name, manifest, publications }: Folder,
  before: number,
): Promise<{ readonly leftovers: readonly ObjectEntry[]; readonly isDeleted: boolean }> {
  const old = [...publications].filter(([, entries]) => entries.every(({ modified }) => modified < before));
  const isSmall = manifest !== null && manifest.sizeBytes < SMALL_MANIFEST_BYTES;
  if (manifest === null) return { leftovers: old.flatMap(([, entries]) => entries), isDeleted: false };
  if (publications.size <= 1 && !isSmall) return { leftovers: [], isDeleted: false };
  const found = await storage.find(manifestKey(storage.prefix, name));
  // replaced or removed since it was listed; the next sweep checks it
  if (found === null || found.etag !== manifest.etag) return { leftovers: [], isDeleted: false };
  const { id, earlier, deleted } = decodeManifest(name, found.bytes);
  const isOldManifest = manifest.modified < before;
  const leftovers = old
    .filter(([each]) => each !== id)
    // until the manifest that replaced a publication is old, readers may have the publication open
    .filter(([each]) => isOldManifest || !earlier.includes(each))
    .flatMap(([, entries]) => entries);
  return { leftovers, isDeleted: deleted };
}
