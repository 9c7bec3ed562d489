/** Removes published models that nothing needs, and stored files that no published model has. */
import { randomUUID } from 'node:crypto';
import type { BlobFileEntry, BlobFiles } from '../domain/ports/blob-files.ts';
import { FILES_PREFIX, MANIFESTS_PREFIX, manifestName, SWEEP_PREFIX, versionOfManifest } from './published-names.ts';
import { listModelFiles } from './share.ts';

/** Time after which a removal ends, whether or not all unused files are removed: publications wait for its end. */
const SWEEP_MS = 30_000;

export interface PruneModelsOptions {
  /** How many of the newest models are kept, and how long each is kept after its publication. */
  readonly keep: number;
  readonly keptMs: number;
  /** Returns models that are kept, as of now. */
  readonly needed: () => Promise<readonly string[]>;
  readonly clock: { now(): number; elapsed(): number };
}

export interface PrunedModels {
  readonly models: readonly string[];
  /** Number and size of the files that were deleted, without manifests. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes the published models that are old, of which newer ones exist, and that `needed` does not name. A model that
 * begins to be needed meanwhile comes back before any of its files is deleted. @throws AppError storage_failed
 */
export async function prunePublishedModels(
  files: BlobFiles,
  { keep, keptMs, needed, clock }: PruneModelsOptions,
): Promise<PrunedModels> {
  const newestFirst = [...(await files.list(MANIFESTS_PREFIX))].sort((a, b) => b.putAt - a.putAt);
  const inUse = new Set(await needed());
  const old = newestFirst
    .slice(keep)
    .filter(({ name, putAt }) => !inUse.has(versionOfManifest(name)) && clock.now() - putAt >= keptMs);
  const models = await removeManifests(files, old, needed);
  const marker = `${SWEEP_PREFIX}${randomUUID()}`;
  await files.put(marker, Buffer.from('a removal is running\n'));
  try {
    return { models, ...(await removeUnused(files, clock.elapsed() + SWEEP_MS, clock)) };
  } finally {
    await files.deleteFile(marker);
  }
}

/** Removes manifests, and puts those back that have become needed. Returns the versions that are gone. */
async function removeManifests(
  files: BlobFiles,
  old: readonly BlobFileEntry[],
  needed: () => Promise<readonly string[]>,
): Promise<string[]> {
  const removed = new Map<string, Uint8Array>();
  for (const { name } of old) {
    const found = await files.find(name);
    if (found === null) continue;
    await files.deleteFile(name);
    removed.set(versionOfManifest(name), found.data);
  }
  if (removed.size === 0) return [];
  for (const version of await needed()) {
    const data = removed.get(version);
    if (data === undefined) continue;
    await files.put(manifestName(version), data, 'if-absent');
    removed.delete(version);
  }
  return [...removed.keys()];
}

async function removeUnused(
  files: BlobFiles,
  until: number,
  { elapsed }: { elapsed(): number },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const stored = await files.list(FILES_PREFIX);
  const { files: recorded, faults } = await listModelFiles(files);
  const removed = { files: 0, bytes: 0 };
  // which files an unreadable manifest needs is not known
  if (faults.length > 0) return removed;
  const used = new Set(recorded.map(({ name }) => name));
  for (const { name, sizeBytes } of stored) {
    if (used.has(name) || elapsed() > until) continue;
    await files.deleteFile(name);
    removed.files += 1;
    removed.bytes += sizeBytes;
  }
  return removed;
}
