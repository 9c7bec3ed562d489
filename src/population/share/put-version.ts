/**
 * Publishes a version in the storage of blobs. Every file is stored before the index names it, so hosts never see a
 * version without its files. Others may erase users and publish versions at the same time, which changes the index:
 *
 *     follow -> register -> store -> make visible -> clean up -> published
 *       ^                                 |
 *       |                                 |-- outdated: users were erased, or a version was published; what is stored
 *       |                                 |   stays stored
 *       +---------------------------------+-- forgotten: the version is no longer in `incoming`, so a sweep may have
 *                                             removed its files; they are listed and stored again
 *
 * follow: the caller brings the version up to date with the index, and overwrites ids of erased users. register: the
 * index names the version in `incoming`, so no sweep removes its files. make visible: one conditional put adds the
 * version, its tables and its erasures to the index. A process that is killed leaves stored files and its name in
 * `incoming`; the next call stores the rest, or a sweep removes both after a day.
 */
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import { Erasures } from '../erase/erasures.ts';
import { redactErased } from '../import/redaction.ts';
import { encodeManifest, type Manifest, type ManifestFile, ownFiles } from '../versions/manifest.ts';
import { draftTables, type TableSource, type TablesDraft, tablesOfFolder } from './draft-tables.ts';
import { addErasures } from './erasure-log.ts';
import { FILES_PREFIX, fileName, manifestName, type PublishedIndex, type PublishedVersion } from './index-schema.ts';
import { changeIndex, type IndexAt, replaceIndex, untilReplaced } from './published-index.ts';
import { awaitSweep } from './sweep.ts';
import { eachOf } from './transfers.ts';

/** A version that is to be published: one of a folder, or one that an import has in memory. */
export interface Publishable {
  /**
   * Brings the version up to date with the current index, so that it contains all erasures and the ids of erased users
   * are overwritten in its tables. Rejects if the version must not be published after the versions in that index.
   */
  follow(): Promise<UpToDateVersion>;
  /** Names in `incoming` under which files of the version were stored before the version had a name. */
  readonly announced: ReadonlySet<string>;
  /** Stores a file that belongs to the version alone under a name. */
  store(file: ManifestFile, name: string): Promise<void>;
}

export interface UpToDateVersion {
  readonly index: PublishedIndex;
  readonly manifest: Manifest;
  readonly tables: TableSource;
  /** Erasures to record together with the version. */
  readonly erasures: readonly ErasedRecord[];
}

export interface PublishOptions {
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
  /** Called after each stored file of the version. */
  readonly onProgress?: (progress: { readonly files: number; readonly of: number }) => void;
}

export interface PublishReport {
  readonly version: string;
  /** Number and size of the files that had to be stored. */
  readonly files: number;
  readonly bytes: number;
  /** Number of files of the version that had been stored before. */
  readonly known: number;
}

/**
 * Stores the files of a version that are not stored yet, and makes the version the newest.
 * @throws AppError invalid_population (its tables do not continue the published tables), unavailable, storage_failed
 */
export async function putVersion(
  source: Publishable,
  files: BlobFiles,
  { now, onProgress }: PublishOptions,
): Promise<PublishReport> {
  const stored = { files: 0, bytes: 0, known: 0 };
  const done = new Set<string>();
  let known: Set<string> | null = null;
  const putNames = new Set<string>();
  return untilReplaced(async () => {
    const version = await source.follow();
    const { index, manifest, tables } = version;
    const versions = withVersion(index.versions, manifest, now());
    const draft = await draftTables(tables, files, index, versions, manifest);
    const parts = Object.values(draft.tables).flatMap((all) => all.map(({ sha256 }) => sha256));
    await announce(files, manifest.version, [...new Set(parts)], now);
    await files.put(manifestName(manifest.version), encodeManifest(manifest));
    // what is stored is listed after the version was registered, so that no sweep removes it any more
    known ??= await storedNames(files);
    for (const name of await putParts(tables, files, draft, known)) {
      putNames.add(name);
      known.add(name);
    }
    const own = [...new Map(ownFiles(manifest).map((file) => [file.sha256, file])).values()];
    const left = own.filter(({ sha256 }) => !done.has(sha256));
    await eachOf(left, async (file) => {
      const name = fileName(file.sha256);
      if (known!.has(name)) stored.known += 1;
      else {
        await source.store(file, name);
        stored.files += 1;
        stored.bytes += file.size;
      }
      done.add(file.sha256);
      onProgress?.({ files: done.size, of: own.length });
    });
    const at = await makeVisible(files, version, source.announced, versions, draft);
    if (at === 'outdated') return null;
    if (at === 'forgotten') {
      known = null;
      done.clear();
      return null;
    }
    await deleteUnused(files, putNames, at.index);
    await deleteDropped(files, at);
    return { version: manifest.version, ...stored };
  });
}

/**
 * Overwrites the ids of erased users in the published tables, using a folder that contains these tables. Returns the
 * number of replaced parts. The caller must be the folder's writer; `follow` brings the folder up to date with the
 * index.
 * @throws AppError invalid_population, unavailable, storage_failed
 */
export async function redactPublished(
  folder: string,
  files: BlobFiles,
  follow: () => Promise<IndexAt>,
): Promise<number> {
  return untilReplaced(async () => {
    const at = await follow();
    if (at.index.versions.length === 0) return 0;
    redactErased(folder, new Erasures(folder));
    const tables = tablesOfFolder(folder);
    const draft = await draftTables(tables, files, at.index, at.index.versions, null);
    if (draft.replaced.length === 0 && at.index.dropped.length === 0) return 0;
    await putParts(tables, files, draft, new Set());
    const next = await replaceIndex(files, at, withTables(at.index, draft));
    if (next === null) return null;
    await deleteDropped(files, next);
    return draft.replaced.length;
  });
}

/** Names in the index what is about to be stored, so that no sweep removes it. `name` is that of a version. */
export async function announce(
  files: BlobFiles,
  name: string,
  parts: readonly string[],
  now: () => number,
): Promise<IndexAt> {
  return await changeIndex(files, async (at) => {
    await awaitSweep(files, at, now);
    const others = at.index.incoming.filter(({ version }) => version !== name);
    return { ...at.index, sweep: null, incoming: [...others, { version: name, since: now(), parts: [...parts] }] };
  });
}

/** Undoes `announce`. */
export async function retract(files: BlobFiles, names: ReadonlySet<string>): Promise<void> {
  await changeIndex(files, async ({ index }) => {
    const incoming = index.incoming.filter(({ version }) => !names.has(version));
    return incoming.length === index.incoming.length ? null : { ...index, incoming };
  });
}

export async function storedNames(files: BlobFiles): Promise<Set<string>> {
  return new Set((await files.list(FILES_PREFIX)).map(({ name }) => name));
}

/** Stores the parts of tables that are not stored yet. Returns the names of all that were stored. */
async function putParts(
  tables: TableSource,
  files: BlobFiles,
  draft: TablesDraft,
  known: ReadonlySet<string>,
): Promise<string[]> {
  const parts = Object.entries(draft.tables).flatMap(([path, all]) => all.map((part) => ({ path, part })));
  const missing = parts.filter(({ part }) => !known.has(fileName(part.sha256)));
  await eachOf(missing, async ({ path, part: { start, size, sha256 } }) => {
    await files.put(fileName(sha256), tables.read(path, start, start + size));
  });
  return missing.map(({ part }) => fileName(part.sha256));
}

function withTables(index: PublishedIndex, { tables, sums }: TablesDraft): PublishedIndex {
  const named = (all: PublishedIndex['tables']) =>
    Object.values(all).flatMap((parts) => parts.map((one) => one.sha256));
  const kept = new Set(named(tables));
  const dropped = new Set([...index.dropped, ...named(index.tables)].filter((name) => !kept.has(name)));
  return { ...index, tables, sums, dropped: [...dropped] };
}

/** Deletes parts with ids that were overwritten, then removes their names from the index. */
async function deleteDropped(files: BlobFiles, { index: { dropped } }: IndexAt): Promise<void> {
  if (dropped.length === 0) return;
  await eachOf(dropped, (sha256) => files.deleteFile(fileName(sha256)));
  const gone = new Set(dropped);
  await changeIndex(files, async ({ index }) => ({
    ...index,
    dropped: index.dropped.filter((sha256) => !gone.has(sha256)),
  }));
}

/**
 * Adds the version to the index. Refuses if users were erased or another version was published since the version was
 * brought up to date, or if `incoming` no longer names the version.
 */
async function makeVisible(
  files: BlobFiles,
  { index: before, manifest, erasures }: UpToDateVersion,
  announced: ReadonlySet<string>,
  versions: readonly PublishedVersion[],
  draft: TablesDraft,
): Promise<IndexAt | 'outdated' | 'forgotten'> {
  let refusal: 'outdated' | 'forgotten' | null = null;
  const at = await changeIndex(files, async ({ index }) => {
    const isNamed = index.incoming.some(({ version }) => version === manifest.version);
    refusal = factsOf(index) !== factsOf(before) ? 'outdated' : isNamed ? null : 'forgotten';
    if (refusal !== null) return null;
    const incoming = index.incoming.filter(({ version }) => version !== manifest.version && !announced.has(version));
    return await addErasures(files, { ...withTables(index, draft), incoming, versions: [...versions] }, erasures);
  });
  return refusal ?? at;
}

/** The parts of an index on which a draft depends. */
function factsOf({ versions, tables, sums, erasures }: PublishedIndex): string {
  return JSON.stringify([versions, tables, sums, erasures]);
}

/** The versions in the order of publication, with this version last. */
function withVersion(versions: readonly PublishedVersion[], manifest: Manifest, now: number): PublishedVersion[] {
  const { version, directory } = manifest;
  const { size, sha256 } = directory.bytes;
  const known = versions.find((one) => one.version === version);
  if (known !== undefined && versions.at(-1) === known) return [...versions];
  return [
    ...versions.filter((one) => one !== known),
    { version, published_at: known?.published_at ?? now, directory: { size, sha256 } },
  ];
}

/** Deletes parts of tables that the index does not name. */
async function deleteUnused(files: BlobFiles, putNames: Iterable<string>, index: PublishedIndex): Promise<void> {
  const inTables = Object.values(index.tables).flatMap((parts) => parts.map(({ sha256 }) => sha256));
  const used = new Set([...inTables, ...index.incoming.flatMap(({ parts }) => parts)].map(fileName));
  await eachOf(
    [...putNames].filter((name) => !used.has(name)),
    (name) => files.deleteFile(name),
  );
}
