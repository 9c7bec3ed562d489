/**
 * Publishes versions of a population folder in a cluster for the first time. From then on, imports and erasures go to
 * the cluster.
 */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import { ERASED_KEY_FILE, Erasures } from '../erase/erasures.ts';
import { redactErased } from '../import/redaction.ts';
import { asWriter } from '../versions/lock.ts';
import { readManifest, readManifests, writeCurrent } from '../versions/manifest.ts';
import { verifyVersion } from '../versions/verify.ts';
import { findNewestVersion, recordPublished } from '../versions/version-order.ts';
import { tablesOfFolder } from './draft-tables.ts';
import { readErasures, requireSharedKey } from './erasure-log.ts';
import type { PublishedIndex } from './index-schema.ts';
import { Mirror } from './mirror.ts';
import { MIRROR_ONLY_FILES } from './mirror-files.ts';
import { readIndex } from './published-index.ts';
import { type Publishable, type PublishOptions, type PublishReport, putVersion } from './put-version.ts';

/**
 * Publishes a version of a folder (by default the newest), with all erasures of the folder. Files that are already
 * stored are skipped, so an interrupted call can be repeated. The folder receives nothing from the cluster, so it is
 * refused once the cluster has users or erasures that the folder lacks. No import may run in the folder meanwhile.
 * @throws AppError invalid_population (damaged, or refused), unavailable, storage_failed
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
    const source: Publishable = {
      follow: async () => {
        const { index } = await readIndex(files);
        const own = new Erasures(folder);
        const erasures = await newErasures(folder, own, files, index);
        redactErased(folder, own);
        return { index, manifest, tables: tablesOfFolder(folder), erasures };
      },
      announced: new Set(),
      store: ({ path }, name) => files.putFile(name, join(folder, manifest.version, path)),
    };
    return await putVersion(source, files, options);
  });
}

/**
 * The erasures of a folder that are not in the cluster's log.
 * @throws AppError invalid_population if the cluster has other erasures, or another key for their hashes
 */
async function newErasures(
  folder: string,
  erasures: Erasures,
  files: BlobFiles,
  index: PublishedIndex,
): Promise<readonly ErasedRecord[]> {
  const own = erasures.since(0);
  if (own.length > 0) await requireSameKey(folder, files);
  const textOf = ({ userNumber, hash }: ErasedRecord) => `${userNumber} ${hash}`;
  const known = new Set(own.map(textOf));
  const published = new Set((await readErasures(files, index, 0)).map(textOf));
  if ([...published].some((record) => !known.has(record)))
    throw new AppError(
      'invalid_population',
      `users were erased in the cluster whom ${folder} would bring back: import or update in the cluster`,
    );
  return own.filter((record) => !published.has(textOf(record)));
}

async function requireSameKey(folder: string, files: BlobFiles): Promise<void> {
  const path = join(folder, ERASED_KEY_FILE);
  const own = existsSync(path) ? withStorage(`read ${path}`, () => readFileSync(path)) : null;
  if (own?.equals(await requireSharedKey(files, own))) return;
  throw new AppError(
    'invalid_population',
    `${path} differs from the key of the published population, so its erasures would not be recognised: import in the ` +
      'cluster',
  );
}

/** Number of segments that are fetched between two reports of progress. */
const SEGMENTS_AT_ONCE = 8;

interface PullReport {
  readonly version: string;
  readonly users: number;
  /** Number and size of the files that were fetched. */
  readonly files: number;
  readonly bytes: number;
}

interface PullOptions {
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number;
  readonly onProgress?: (progress: { readonly segments: number; readonly of: number }) => void;
}

/**
 * Copies a version (by default the newest) with all tables and erasures. The copy is made in a mirror next to the
 * folder, `<folder>.partial`, so an interrupted call can be repeated.
 * @throws AppError invalid_argument (the folder exists, or nothing is published), population_unavailable, unavailable,
 * storage_failed, invalid_population
 */
export async function pullPopulation(
  files: BlobFiles,
  folder: string,
  version: string | null,
  { now, onProgress }: PullOptions,
): Promise<PullReport> {
  if (existsSync(folder)) throw new AppError('invalid_argument', `${folder} exists: a copy needs a new folder`);
  const partial = `${folder}.partial`;
  const mirror = await Mirror.open({ files, folder: partial, limitBytes: Number.POSITIVE_INFINITY, now });
  let report: PullReport;
  let unwanted: readonly string[];
  try {
    const wanted = version ?? mirror.newest;
    if (wanted === null) throw new AppError('invalid_argument', 'no population is published');
    await mirror.take(wanted);
    const manifests = readManifests(partial);
    const own = manifests.find((one) => one.version === wanted)!;
    // the next import continues the user numbers of the version that has the most users
    const largest = manifests.reduce((most, one) => (one.directory.count > most.directory.count ? one : most), own);
    const kept = manifests.filter((one) => one === own || one === largest);
    for (const { version: copied, segments } of kept) {
      await mirror.take(copied);
      for (let from = 0; from < segments.length; from += SEGMENTS_AT_ONCE) {
        await mirror.prefetch(copied, from, from + SEGMENTS_AT_ONCE);
        onProgress?.({ segments: Math.min(from + SEGMENTS_AT_ONCE, segments.length), of: segments.length });
      }
    }
    const { fetchedFiles, fetchedBytes } = mirror.counts;
    report = { version: wanted, users: own.rows, files: fetchedFiles, bytes: fetchedBytes };
    unwanted = manifests.filter((one) => !kept.includes(one)).map((one) => one.version);
  } finally {
    mirror.close();
  }
  withStorage(`write ${folder}`, () => {
    for (const name of [...unwanted, ...MIRROR_ONLY_FILES])
      rmSync(join(partial, name), { recursive: true, force: true });
    recordPublished(partial, report.version);
    writeCurrent(partial, report.version);
    renameSync(partial, folder);
    syncFolder(dirname(folder));
  });
  return report;
}
