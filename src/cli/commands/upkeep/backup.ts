/** `metaheac backup` and `metaheac restore`. */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { BackupReport, FileBeside } from '../../../domain/ports/upkeep.ts';
import type { Clock } from '../../../lib/clock.ts';
import { AppError, UsageError } from '../../../lib/errors.ts';
import { listFolder, removeQuietly } from '../../../lib/files/durable-files.ts';
import type { Output } from '../../../lib/output.ts';
import { mebibytes } from '../../../lib/text/counted.ts';
import { filesOfModels } from '../../../model/check-models.ts';
import { MODELS_FOLDER } from '../../../model/versions.ts';
import {
  listVersions,
  type PopulationFile,
  readManifest,
  verifyVersion,
  withPopulationFiles,
} from '../../../population/read.ts';
import { checkDataFolder } from '../../../service/data-folder-check.ts';
import { backUpStore, copyUsedStore, locateStore, openUpkeep, restoreStore } from '../../../storage/open-store.ts';
import { type ClusterSettings, locatorOf } from '../chosen-store.ts';

/** Folder of the population in a backup. */
const POPULATION_FOLDER = 'population';

export interface BackupCommandOptions {
  readonly out: string;
  readonly copy?: boolean;
  readonly withPopulation?: string;
  readonly json?: boolean;
}

/** Backs up the data folder with its promoted models, and the population if its folder is given. */
export async function backupCommand(
  dataDir: string,
  { out, copy = false, withPopulation: population, json = false }: BackupCommandOptions,
  clock: Clock,
  output: Output,
): Promise<void> {
  const backUp = (beside: () => Iterable<FileBeside>) =>
    backUpStore(locateStore(dataDir), out, { now: clock.now(), copy, beside });
  const report = await (population === undefined
    ? backUp(() => modelsOf(dataDir))
    : withPopulationFiles(population, (files) => backUp(() => withPopulation(dataDir, population, files))));
  await refuseDamage(out, 'the backup was made, but has the same damage as the original');
  const left = 'the folder of --model';
  const others = population === undefined ? `the population (--with-population DIR adds it) and ${left}` : left;
  print(report, { out, population, json, others }, output);
}

/** Backs up the store of a cluster, which may be in use, like a data folder. */
export async function backupClusterCommand(
  cluster: ClusterSettings,
  { out, copy = false, withPopulation: population, json = false }: BackupCommandOptions,
  clock: Clock,
  output: Output,
): Promise<void> {
  if (population !== undefined)
    throw new UsageError('--with-population is for data folders: metaheac population pull copies that of a cluster');
  if (listFolder(out).length > 0)
    throw new AppError('invalid_argument', `${out} is not empty: choose an empty or new folder`);
  const dataDir = `${resolve(out)}.copy-${randomUUID()}`;
  try {
    const { attempts } = await copyUsedStore(locatorOf(cluster), dataDir, {
      onProgress: (text) => output.progress(text),
    });
    const report = await backUpStore(locateStore(dataDir), out, { now: clock.now(), copy });
    await refuseDamage(out, 'the backup was made, but is damaged');
    const others = 'the published models and versions of the population (metaheac model pull and population pull)';
    print({ ...report, attempts }, { out, population, json, others }, output);
  } finally {
    removeQuietly(dataDir);
  }
}

interface Printed {
  readonly out: string;
  readonly population: string | undefined;
  readonly json: boolean;
  /** What is not part of the backup. */
  readonly others: string;
}

function print(
  { files, bytes, attempts }: BackupReport,
  { out, population, json, others }: Printed,
  output: Output,
): void {
  if (json) {
    output.result(JSON.stringify({ out, files, bytes, database_copies: attempts, population: population ?? null }));
    return;
  }
  output.result(`${files} files, ${mebibytes(bytes)}, in ${out}: all files are intact`);
  output.note(`not included: ${others}`);
}

function* modelsOf(dataDir: string): Generator<FileBeside, void, void> {
  for (const file of filesOfModels(join(dataDir, MODELS_FOLDER)))
    yield { from: join(dataDir, MODELS_FOLDER, file), path: `${MODELS_FOLDER}/${file}`, isFinal: true };
}

function* withPopulation(
  dataDir: string,
  population: string,
  files: readonly PopulationFile[],
): Generator<FileBeside, void, void> {
  yield* modelsOf(dataDir);
  for (const { path, isFinal } of files)
    yield { from: join(population, path), path: `${POPULATION_FOLDER}/${path}`, isFinal };
}

export interface RestoreCommandOptions {
  readonly to: string;
  readonly populationTo?: string;
  readonly json?: boolean;
}

/**
 * Restores a data folder from a backup. @throws AppError invalid_argument if the population is requested but is not in
 * the backup
 */
export async function restoreCommand(
  from: string,
  { to, populationTo, json = false }: RestoreCommandOptions,
  output: Output,
): Promise<void> {
  const apart = { folder: POPULATION_FOLDER, to: populationTo ?? null };
  const report = await restoreStore(locateStore(to), from, { apart });
  const { files, bytes, leftOut } = report;
  const population = report.apart > 0 ? populationTo : null;
  if (json) output.result(JSON.stringify({ to, files, bytes, population }));
  else output.result(`${files} files, ${mebibytes(bytes)}, in ${to}: all files were verified by sha256`);
  if (json) return;
  if (population !== null)
    output.note(`${report.apart} of the restored files belong to the population, in ${population}`);
  else if (leftOut > 0) output.note(`left out: the population, ${leftOut} files (--population-to DIR restores it)`);
}

/** Checks the backup like `verify`, and throws if files are damaged. */
async function refuseDamage(folder: string, what: string): Promise<void> {
  const upkeep = await openUpkeep(locateStore(folder));
  try {
    const { faults } = await checkDataFolder(upkeep, { dataDir: folder, isAlone: false });
    const population = join(folder, POPULATION_FOLDER);
    for (const version of listVersions(population))
      verifyVersion(population, readManifest(population, version), 'everything');
    if (faults.length === 0) return;
    const [{ path, message }] = faults as [{ path: string; message: string }];
    throw new AppError('storage_failed', `${what}: ${path}: ${message} (${faults.length} in all; run metaheac verify)`);
  } finally {
    await upkeep.close();
  }
}
