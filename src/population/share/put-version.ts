/**
 * Puts a version into the published population. Every file is stored before the index names it, so hosts never see a
 * version without its files. Others may erase users and publish versions at the same time: then the index has changed,
 * and what follows from it is decided again.
 */
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import { encodeManifest, type Manifest, type ManifestFile } from '../versions/manifest.ts';
import { draftTables, type TablesDraft } from './draft-tables.ts';
import { addErasures } from './erasure-log.ts';
import { FILES_PREFIX, fileName, manifestName, type PublishedIndex, type PublishedVersion } from './index-schema.ts';
import { changeIndex, type IndexAt } from './published-index.ts';
import { awaitSweep } from './sweep.ts';
import type { TableSource } from './table-source.ts';
import { eachOf } from './transfers.ts';

/** Maximum number of attempts, because other hosts may erase users or publish at the same time. */
export const ATTEMPTS = 20;

/** A version that is to be published: one of a folder, or one that an import has in memory. */
export interface Publishable {
  /**
   * Returns the index. The version knows all erasures of that index, and ids of erased users are overwritten in its
   * tables. Rejects if the version must not be published after the versions of that index.
   */
  follow(): Promise<IndexAt>;
  /** The version as of the last `follow`. */
  readonly manifest: Manifest;
  readonly tables: TableSource;
  /** Erasures that are recorded together with the version. */
  readonly erasures: readonly ErasedRecord[];
  /** Names in `incoming` under which files of the version were stored before the version had a name. */
  readonly announced: ReadonlySet<string>;
  /** Stores a file that belongs to the version alone under a name. */
  store(file: ManifestFile, name: string): Promise<void>;
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
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { index } = await source.follow();
    const { manifest } = source;
    const versions = withVersion(index.versions, manifest, now());
    const draft = await draftTables(source.tables, files, index, versions, manifest);
    await register(files, manifest, draft, now);
    await files.put(manifestName(manifest.version), encodeManifest(manifest));
    // what is stored is listed after the version was registered, so that no sweep removes it any more
    known ??= await storedNames(files);
    for (const name of await putParts(source.tables, files, draft, known)) {
      putNames.add(name);
      known.add(name);
    }
    const own = ownFiles(manifest);
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
    const at = await makeVisible(files, index, source, versions, draft);
    if (at === 'outdated') continue;
    if (at === 'forgotten') {
      known = null;
      done.clear();
      continue;
    }
    await deleteUnused(files, putNames, at.index);
    await deleteDropped(files, at);
    return { version: manifest.version, ...stored };
  }
  throw busy();
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
export async function putParts(
  tables: TableSource,
  files: BlobFiles,
  draft: Pick<TablesDraft, 'tables'>,
  known: ReadonlySet<string>,
): Promise<string[]> {
  const parts = Object.entries(draft.tables).flatMap(([path, all]) => all.map((part) => ({ path, part })));
  const missing = parts.filter(({ part }) => !known.has(fileName(part.sha256)));
  await eachOf(missing, async ({ path, part: { start, size, sha256 } }) => {
    await files.put(fileName(sha256), tables.read(path, start, start + size));
  });
  return missing.map(({ part }) => fileName(part.sha256));
}

export function withTables(index: PublishedIndex, { tables, sums }: TablesDraft): PublishedIndex {
  const named = (all: PublishedIndex['tables']) =>
    Object.values(all).flatMap((parts) => parts.map((one) => one.sha256));
  const kept = new Set(named(tables));
  const dropped = new Set([...index.dropped, ...named(index.tables)].filter((name) => !kept.has(name)));
  return { ...index, tables, sums, dropped: [...dropped] };
}

/** Deletes parts with ids that were overwritten, then removes their names from the index. */
export async function deleteDropped(files: BlobFiles, { index: { dropped } }: IndexAt): Promise<void> {
  if (dropped.length === 0) return;
  await eachOf(dropped, (sha256) => files.deleteFile(fileName(sha256)));
  const gone = new Set(dropped);
  await changeIndex(files, async ({ index }) => ({
    ...index,
    dropped: index.dropped.filter((sha256) => !gone.has(sha256)),
  }));
}

export function busy(): AppError {
  return new AppError('unavailable', 'others change the published population all the time: try again');
}

/** The files that belong to a version alone, each once. */
function ownFiles(manifest: Manifest): ManifestFile[] {
  return [...new Map([manifest.row_of, ...manifest.segments].map((file) => [file.sha256, file])).values()];
}

/** Names the version in the index, before any of its files is stored. */
async function register(files: BlobFiles, manifest: Manifest, draft: TablesDraft, now: () => number): Promise<void> {
  const parts = new Set(Object.values(draft.tables).flatMap((all) => all.map(({ sha256 }) => sha256)));
  await announce(files, manifest.version, [...parts], now);
}

/**
 * Puts the version into the index, unless users were erased or another version was published since `before`, or the
 * version is no longer named in `incoming`, so that a sweep may have removed its files.
 */
async function makeVisible(
  files: BlobFiles,
  before: PublishedIndex,
  { manifest, announced, erasures }: Publishable,
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
export async function deleteUnused(files: BlobFiles, putNames: Iterable<string>, index: PublishedIndex): Promise<void> {
  const inTables = Object.values(index.tables).flatMap((parts) => parts.map(({ sha256 }) => sha256));
  const used = new Set([...inTables, ...index.incoming.flatMap(({ parts }) => parts)].map(fileName));
  await eachOf(
    [...putNames].filter((name) => !used.has(name)),
    (name) => files.deleteFile(name),
  );
}
