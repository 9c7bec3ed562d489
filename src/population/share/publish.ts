/**
 * Publishes versions of a population folder for all hosts, and overwrites the ids of erased users in what was
 * published. Every file is stored before the index names it, so hosts never see a version without its files.
 */
import { join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { Erasures } from '../erase/erasures.ts';
import { redactErased } from '../import/redaction.ts';
import { asWriter } from '../versions/lock.ts';
import { encodeManifest, type Manifest, type ManifestFile, readManifest } from '../versions/manifest.ts';
import { verifyVersion } from '../versions/verify.ts';
import { findNewestVersion } from '../versions/version-order.ts';
import { draftTables, type TablesDraft } from './draft-tables.ts';
import { exchangeErasures } from './exchange-erasures.ts';
import { FILES_PREFIX, fileName, manifestName, type PublishedIndex, type PublishedVersion } from './index-schema.ts';
import { changeIndex, type IndexAt, replaceIndex } from './published-index.ts';
import { awaitSweep } from './sweep.ts';
import { readPart } from './table-parts.ts';
import { eachOf } from './transfers.ts';

/** Maximum number of attempts, because other hosts may erase users or publish at the same time. */
const ATTEMPTS = 20;

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
 * Publishes a version of a folder (by default the newest), with all erasures of the folder. Files that were stored
 * before are not stored again, so an interrupted call can be repeated. Publishing a published version again changes
 * nothing, except that the folder and the published population get each other's erasures. While the call runs, no
 * import runs in the folder, but users may be erased. @throws AppError invalid_population (damaged, or the folder does
 * not continue the published population), unavailable, storage_failed
 */
export async function publishPopulation(
  folder: string,
  files: BlobFiles,
  version: string | null,
  options: PublishOptions,
): Promise<PublishReport> {
  return await asWriter(folder, async () => {
    const wanted = version ?? findNewestVersion(folder);
    if (wanted === null) throw new AppError('invalid_population', `${folder} is not a population: it has no version`);
    const manifest = readManifest(folder, wanted);
    verifyVersion(folder, manifest, 'everything');
    return await publish(folder, files, manifest, options);
  });
}

/**
 * Overwrites the ids of erased users in the published tables, using a folder that has these tables. Returns the number
 * of parts that were replaced. The caller must be the folder's writer, and `follow` brings the folder up to date with
 * the index. @throws AppError invalid_population, unavailable, storage_failed
 */
export async function redactPublished(
  folder: string,
  files: BlobFiles,
  follow: () => Promise<IndexAt>,
): Promise<number> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const at = await follow();
    if (at.index.versions.length === 0) return 0;
    redactErased(folder, new Erasures(folder));
    const draft = await draftTables(folder, files, at.index, at.index.versions, null);
    if (draft.replaced.length === 0 && at.index.dropped.length === 0) return 0;
    await putParts(folder, files, draft, new Set());
    const next = await replaceIndex(files, at, withTables(at.index, draft));
    if (next === null) continue;
    await deleteDropped(files, next);
    return draft.replaced.length;
  }
  throw busy();
}

async function publish(
  folder: string,
  files: BlobFiles,
  manifest: Manifest,
  { now, onProgress }: PublishOptions,
): Promise<PublishReport> {
  const stored = { files: 0, bytes: 0, known: 0 };
  const own = ownFiles(manifest);
  let known: Set<string> | null = null;
  const putNames = new Set<string>();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { index } = await exchangeErasures(folder, files);
    redactErased(folder, new Erasures(folder));
    const versions = withVersion(index.versions, manifest, now());
    const draft = await draftTables(folder, files, index, versions, manifest);
    await register(files, manifest, draft, now);
    await files.put(manifestName(manifest.version), encodeManifest(manifest));
    // what is stored is listed after the version was registered, so that no sweep removes it any more
    known ??= await storedNames(files);
    for (const name of await putParts(folder, files, draft, known)) {
      putNames.add(name);
      known.add(name);
    }
    if (attempt === 1) {
      await eachOf(own, async ({ path, size, sha256 }) => {
        if (known!.has(fileName(sha256))) stored.known += 1;
        else {
          await files.putFile(fileName(sha256), join(folder, manifest.version, path));
          stored.files += 1;
          stored.bytes += size;
        }
        onProgress?.({ files: stored.files + stored.known, of: own.length });
      });
    }
    const at = await makeVisible(files, index, manifest, versions, draft);
    if (at === null) continue;
    await deleteUnused(files, putNames, at.index);
    await deleteDropped(files, at);
    return { version: manifest.version, ...stored };
  }
  throw busy();
}

/** The files that belong to a version alone, each once. */
function ownFiles(manifest: Manifest): ManifestFile[] {
  return [...new Map([manifest.row_of, ...manifest.segments].map((file) => [file.sha256, file])).values()];
}

/** Names the version in the index, before any of its files is stored. */
async function register(files: BlobFiles, manifest: Manifest, draft: TablesDraft, now: () => number): Promise<void> {
  const parts = [...new Set(Object.values(draft.tables).flatMap((all) => all.map(({ sha256 }) => sha256)))];
  const { version } = manifest;
  await changeIndex(files, async (at) => {
    await awaitSweep(files, at, now);
    const others = at.index.incoming.filter((one) => one.version !== version);
    return { ...at.index, sweep: null, incoming: [...others, { version, since: now(), parts }] };
  });
}

/** Puts the version into the index; null if users were erased, or another version was published, since `before`. */
async function makeVisible(
  files: BlobFiles,
  before: PublishedIndex,
  { version }: Manifest,
  versions: readonly PublishedVersion[],
  draft: TablesDraft,
): Promise<IndexAt | null> {
  let isOutdated = false;
  const at = await changeIndex(files, async ({ index }) => {
    isOutdated = factsOf(index) !== factsOf(before);
    if (isOutdated) return null;
    const incoming = index.incoming.filter((one) => one.version !== version);
    return { ...withTables(index, draft), incoming, versions: [...versions] };
  });
  return isOutdated ? null : at;
}

/** The parts of an index on which a draft depends. */
function factsOf({ versions, tables, sums, erasures }: PublishedIndex): string {
  return JSON.stringify([versions, tables, sums, erasures]);
}

function withTables(index: PublishedIndex, { tables, sums }: TablesDraft): PublishedIndex {
  const named = (all: PublishedIndex['tables']) =>
    Object.values(all).flatMap((parts) => parts.map((one) => one.sha256));
  const kept = new Set(named(tables));
  const dropped = new Set([...index.dropped, ...named(index.tables)].filter((name) => !kept.has(name)));
  return { ...index, tables, sums, dropped: [...dropped] };
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

/** Stores the parts of tables that are not stored yet. Returns the names of all that were stored. */
async function putParts(
  folder: string,
  files: BlobFiles,
  draft: TablesDraft,
  known: ReadonlySet<string>,
): Promise<string[]> {
  const parts = Object.entries(draft.tables).flatMap(([table, all]) => all.map((part) => ({ table, part })));
  const missing = parts.filter(({ part }) => !known.has(fileName(part.sha256)));
  await eachOf(missing, async ({ table, part }) => {
    await files.put(fileName(part.sha256), readPart(folder, table, part));
  });
  return missing.map(({ part }) => fileName(part.sha256));
}

async function storedNames(files: BlobFiles): Promise<Set<string>> {
  return new Set((await files.list(FILES_PREFIX)).map(({ name }) => name));
}

/** Deletes parts that this call has stored for an index that was never published. */
async function deleteUnused(files: BlobFiles, putNames: Iterable<string>, index: PublishedIndex): Promise<void> {
  const inTables = Object.values(index.tables).flatMap((parts) => parts.map(({ sha256 }) => sha256));
  const used = new Set([...inTables, ...index.incoming.flatMap(({ parts }) => parts)].map(fileName));
  await eachOf(
    [...putNames].filter((name) => !used.has(name)),
    (name) => files.deleteFile(name),
  );
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

function busy(): AppError {
  return new AppError('unavailable', 'others change the published population all the time: try again');
}
