/** Removes published versions, and stored files that no version needs. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { type Manifest, ownFiles, parseManifest } from '../versions/manifest.ts';
import { FILES_PREFIX, fileName, MANIFESTS_PREFIX, manifestName, type PublishedIndex } from './index-schema.ts';
import { changeIndex, type IndexAt, readIndex } from './published-index.ts';
import { eachOf } from './transfers.ts';
import { unusedUserSides } from './user-side-store.ts';

/** Time after which a sweep ends, whether or not all unused files are removed. */
const SWEEP_MS = 5 * 60_000;
/** Time after which a sweep counts as killed. It is longer, because the clocks of hosts differ. */
const DEAD_SWEEP_MS = 2 * SWEEP_MS;
/** Time after which a version that is being published counts as abandoned. */
const ABANDONED_MS = 24 * 60 * 60_000;
const POLL_MS = 500;

/** Waits until no sweep is running, because it might remove files that the new version is going to share. */
export async function awaitSweep(files: BlobFiles, at: IndexAt, now: () => number): Promise<void> {
  for (let { index } = at; ; { index } = await readIndex(files)) {
    if (index.sweep === null || now() - index.sweep.since > DEAD_SWEEP_MS) return;
    await sleep(POLL_MS);
  }
}

export interface SweepReport {
  /** Versions that are no longer published. */
  readonly versions: readonly string[];
  /** Number and size of the files that were deleted. */
  readonly files: number;
  readonly bytes: number;
}

export interface PruneOptions {
  /** How many of the newest versions are kept. */
  readonly keep: number;
  /** Versions are kept for this long after their publication; by default, not at all. */
  readonly keptMs?: number;
  readonly served: readonly string[];
  /** Returns further versions that are kept, as of the moment when versions are removed. */
  readonly needed?: () => Promise<readonly string[]>;
  readonly now: () => number;
}

/**
 * Removes all but the newest `keep` versions, `served`, `needed` and the version with the most users; then deletes
 * files that no version needs, such as those of a publication that was killed. A file is deleted with all its stored
 * versions.
 * @throws AppError unavailable (another sweep is running), invalid_population, storage_failed
 */
export async function prunePublished(
  files: BlobFiles,
  { keep, keptMs = 0, served, needed = async () => [], now }: PruneOptions,
): Promise<SweepReport> {
  const id = randomUUID();
  const gone: string[] = [];
  const at = await changeIndex(files, async ({ index }) => {
    if (index.sweep !== null && now() - index.sweep.since <= DEAD_SWEEP_MS)
      throw new AppError('unavailable', 'another process removes files of the published population: try again later');
    const kept = new Set([...served, ...(await needed())]);
    const most = index.versions.reduce((size, { directory }) => Math.max(size, directory.size), 0);
    const old = index.versions
      .slice(0, Math.max(0, index.versions.length - keep))
      .filter(({ version, directory }) => !kept.has(version) && directory.size < most)
      .filter(({ published_at: at }) => now() - at >= keptMs)
      .map(({ version }) => version);
    gone.splice(0, gone.length, ...old);
    return {
      ...index,
      versions: index.versions.filter(({ version }) => !old.includes(version)),
      incoming: index.incoming.filter(({ since }) => now() - since <= ABANDONED_MS),
      sweep: { id, since: now() },
    };
  });
  try {
    const removed = await removeUnused(files, at.index, now() + SWEEP_MS, now);
    return { versions: gone, ...removed };
  } finally {
    await changeIndex(files, async ({ index }) => (index.sweep?.id === id ? { ...index, sweep: null } : null));
  }
}

async function removeUnused(
  files: BlobFiles,
  index: PublishedIndex,
  until: number,
  now: () => number,
): Promise<{ files: number; bytes: number }> {
  const used = await usedNames(files, index);
  const removed = { files: 0, bytes: 0 };
  if (used === null) return removed;
  const versions = new Set([...index.versions, ...index.incoming].map(({ version }) => version));
  for (const name of await unusedUserSides(files, versions)) await files.deleteFile(name);
  const manifests = new Set([...versions].map(manifestName));
  for (const { name } of await files.list(MANIFESTS_PREFIX)) if (!manifests.has(name)) await files.deleteFile(name);
  const unused = (await files.list(FILES_PREFIX)).filter(({ name }) => !used.has(name));
  await eachOf(unused, async ({ name, sizeBytes }) => {
    if (now() > until) return;
    await files.deleteFile(name);
    removed.files += 1;
    removed.bytes += sizeBytes;
  });
  return removed;
}

/** Names of all files in use; null if a version being published has no manifest yet. */
async function usedNames(files: BlobFiles, index: PublishedIndex): Promise<Set<string> | null> {
  let isKnown = true;
  const used = new Set<string>();
  for (const parts of Object.values(index.tables)) for (const { sha256 } of parts) used.add(fileName(sha256));
  for (const { parts } of index.incoming) for (const sha256 of parts) used.add(fileName(sha256));
  const versions = new Set([...index.versions, ...index.incoming].map(({ version }) => version));
  await eachOf(versions, async (version) => {
    const manifest = await findPublishedManifest(files, version);
    if (manifest === null) isKnown = false;
    else for (const { sha256 } of ownFiles(manifest)) used.add(fileName(sha256));
  });
  return isKnown ? used : null;
}

/** The manifest of a version; null if it is not stored. @throws AppError invalid_population, storage_failed */
export async function findPublishedManifest(files: BlobFiles, version: string): Promise<Manifest | null> {
  const name = manifestName(version);
  const found = await files.find(name);
  return found === null ? null : parseManifest(Buffer.from(found.data).toString('utf8'), version, name);
}
