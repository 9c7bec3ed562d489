/** `metaheac verify`. */

import type { StoreUpkeep } from '../../../domain/ports/upkeep.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { AppError, UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { counted, mebibytes } from '../../../lib/text/counted.ts';
import { type CheckOptions, checkDataFolder, type DataFolderReport } from '../../../service/data-folder-check.ts';
import { checkPublished, type PublishedReport } from '../../../service/published-check.ts';
import { lockStore, openBlobFiles, openUpkeep } from '../../../storage/open-store.ts';
import { type ChosenStore, type ClusterSettings, locatorOf } from '../chosen-store.ts';

export interface VerifyCommandOptions {
  readonly json?: boolean;
  readonly repair?: boolean;
}

/** Exit code if a file of the database or of a model is missing or damaged, or if a model cannot expand. */
const DAMAGED = 4;
const SHOWN = 20;

/**
 * Verifies a data folder, or the database and the object storage of a cluster. Orphaned files are harmless and do not
 * change the exit code; `--repair` removes only these files.
 */
export async function verifyCommand(
  given: ChosenStore,
  { json = false, repair = false }: VerifyCommandOptions,
  output: Output,
  clock: Pick<Clock, 'now'> = systemClock,
): Promise<void> {
  const isShared = typeof given !== 'string';
  if (isShared && repair)
    throw new UsageError('--repair is for data folders: the nodes of a cluster remove unused files themselves');
  const locator = locatorOf(given);
  const upkeep = await openUpkeep(locator);
  try {
    // processes of a cluster may be writing at any time
    const release = isShared ? null : await (repair ? lockStore(locator) : findLock(() => lockStore(locator)));
    // without --repair, the lock only shows whether a service is running, so a service may start during the check
    if (!repair) release?.();
    try {
      const options = { dataDir: isShared ? null : given, isAlone: release !== null };
      const own = await checkAll(upkeep, options, output);
      const report = isShared ? withPublished(own, await checkShared(given, output)) : own;
      const movedTo = repair ? await upkeep.remove(report.orphans, clock.now()) : null;
      const circumstances = { running: release === null, isShared, repair, movedTo };
      if (json) output.result(JSON.stringify(present(report, circumstances)));
      else print(report, circumstances, output);
      if (report.faults.length > 0) process.exitCode = DAMAGED;
    } finally {
      if (repair) release?.();
    }
  } finally {
    await upkeep.close();
  }
}

/** Checks files by their checksums, and then runs a test expansion with each intact model. */
async function checkAll(upkeep: StoreUpkeep, options: CheckOptions, output: Output): Promise<DataFolderReport> {
  const report = await checkDataFolder(upkeep, options, (done, all) => output.progress(`${done} of ${all} files`));
  if (report.wholeModels.length === 0 || options.dataDir === null) return report;
  output.progress(`running a test expansion with ${counted(report.wholeModels.length, 'promoted model')}`);
  // the import loads ONNX Runtime, which is needed only here
  const { faultsOfExpanding } = await import('./try-models.ts');
  return { ...report, faults: [...report.faults, ...(await faultsOfExpanding(options.dataDir, report.wholeModels))] };
}

/** Verifies the published populations and models of a cluster. */
async function checkShared({ blobs, cache }: ClusterSettings, output: Output): Promise<PublishedReport> {
  const files = await openBlobFiles(blobs, systemClock);
  const progress = (done: number, all: number) => output.progress(`${done} of ${all} published files`);
  return checkPublished({ files, cache, progress });
}

type Report = DataFolderReport & Partial<Pick<PublishedReport, 'populations' | 'userSides'>>;

function withPublished(report: DataFolderReport, { bytes, faults, ...published }: PublishedReport): Report {
  return { ...report, ...published, bytes: report.bytes + bytes, faults: [...report.faults, ...faults] };
}

/** Returns null if a service holds the lock. */
async function findLock(take: () => Promise<() => void>): Promise<(() => void) | null> {
  try {
    return await take();
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') return null;
    throw error;
  }
}

interface Circumstances {
  readonly running: boolean;
  readonly isShared: boolean;
  readonly repair: boolean;
  /** Folder to which orphans that belong to another database were moved; null if the orphans were removed. */
  readonly movedTo: string | null;
}

function print(report: Report, { running, isShared, repair, movedTo }: Circumstances, output: Output): void {
  const { sets, rankings, models, populations, userSides = 0, bytes, faults, orphans } = report;
  if (running && !isShared)
    output.note('a service is using this folder: files that the service is writing are left out');
  for (const { path, message } of faults.slice(0, SHOWN)) output.result(`damaged  ${path}: ${message}`);
  if (faults.length > SHOWN) output.result(`damaged  and ${faults.length - SHOWN} more`);
  const fate = !repair ? 'orphan ' : movedTo === null ? 'removed' : 'moved  ';
  for (const path of orphans.slice(0, SHOWN)) output.result(`${fate}  ${path}`);
  if (orphans.length > SHOWN) output.result(`${fate}  and ${orphans.length - SHOWN} more`);
  const shared =
    populations === undefined
      ? counted(models, 'promoted model')
      : `${counted(models, 'published model')}, ${counted(populations, 'published version')} of the population, ` +
        counted(userSides, 'stored user side');
  const files = `${counted(sets, 'user set')}, ${counted(rankings, 'ranking')}, ${shared}`;
  const state = faults.length === 0 ? 'all intact' : `${faults.length} damaged`;
  const done = movedTo === null ? 'removed' : `moved to ${movedTo}`;
  const removed = repair && orphans.length > 0 ? ` (${done})` : '';
  output.result(`${files}, ${mebibytes(bytes)}: ${state}, ${counted(orphans.length, 'orphan')}${removed}`);
}

function present(report: Report, { running, repair, movedTo }: Circumstances): object {
  const { sets, rankings, models, populations, userSides, bytes, faults, orphans } = report;
  return {
    whole: faults.length === 0,
    running,
    sets,
    rankings,
    models,
    populations,
    user_sides: userSides,
    bytes,
    faults,
    orphans,
    removed: repair && movedTo === null ? orphans.length : 0,
    set_aside: movedTo,
  };
}
