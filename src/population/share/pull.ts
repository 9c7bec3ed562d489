/** Copies a published version into a new population folder. From then on, the folder is independent of the cluster. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { readManifests, writeCurrent } from '../versions/manifest.ts';
import { recordPublished } from '../versions/version-order.ts';
import { Mirror } from './mirror.ts';
import { MIRROR_ONLY_FILES } from './mirror-folder.ts';

/** Number of segments that are fetched between two reports of progress. */
const SEGMENTS_AT_ONCE = 8;

export interface PullReport {
  readonly version: string;
  readonly users: number;
  /** Number and size of the files that were fetched. */
  readonly files: number;
  readonly bytes: number;
}

export interface PullOptions {
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
