/** The versions of a population folder: listed, compared, made current, removed. */
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import { Erasures } from '../erase/erasures.ts';
import { redactErased } from '../import/redaction.ts';
import { asWriterSync } from './lock.ts';
import {
  CURRENT_FILE,
  findCurrentVersion,
  listFiles,
  listVersions,
  type Manifest,
  publishedAt,
  REMOVED_SUFFIX,
  readManifest,
  readManifests,
  writeCurrent,
} from './manifest.ts';
import { verifyVersion } from './verify.ts';
import { orderVersions } from './version-order.ts';

export interface VersionSummary {
  readonly version: string;
  readonly isCurrent: boolean;
  /** Whether it was published last: updates build on it. */
  readonly isNewest: boolean;
  /** In ms since 1970. */
  readonly publishedAt: number;
  readonly users: number;
  /** User ids that the directory knows, those of earlier versions included. */
  readonly knownUsers: number;
  /** Of the files that are this version's alone. */
  readonly bytes: number;
  /** Rows on disk that are no user's any more. */
  readonly deadRows: number;
  readonly segments: number;
  /** Segments that other versions have too. */
  readonly sharedSegments: number;
  readonly features: Manifest['features'];
}

/** The published versions, the newest first. @throws AppError invalid_population */
export function summariseVersions(folder: string): VersionSummary[] {
  const current = findCurrentVersion(folder);
  if (current === null) throw notAPopulation(folder);
  const manifests = readManifests(folder);
  const order = orderVersions(folder, manifests);
  return manifests
    .map((manifest) => {
      const { version } = manifest;
      const files = listFiles(folder, manifest).filter(({ mayGrow }) => !mayGrow);
      const own = files.filter(({ path }) => linksOf(path) < 2);
      return {
        version,
        isCurrent: version === current,
        isNewest: version === order.at(-1),
        publishedAt: publishedAt(folder, version),
        users: manifest.rows,
        knownUsers: manifest.directory.count,
        bytes: own.reduce((sum, { size }) => sum + size, 0),
        deadRows: manifest.segments.reduce((sum, { dead = 0 }) => sum + dead, 0),
        segments: manifest.segments.length,
        sharedSegments: files.length - own.length,
        features: manifest.features,
      };
    })
    .sort((a, b) => order.indexOf(b.version) - order.indexOf(a.version));
}

/**
 * Makes a published version the one that services start with, once all its files are checked (unless the caller has).
 * Numbers and codes are never given again, so this may go back and forth. @throws AppError invalid_argument (no such
 * version), invalid_population, unavailable (an import runs), storage_failed
 */
export function makeCurrent(folder: string, version: string, { isVerified = false } = {}): void {
  underLock(folder, () => {
    if (!listVersions(folder).includes(version))
      throw new AppError('invalid_argument', `${folder} has no version ${version}`);
    if (!isVerified) verifyVersion(folder, readManifest(folder, version), 'everything');
    writeCurrent(folder, version);
  });
}

/**
 * The version that was published last before the current one. @throws AppError invalid_argument where there is none,
 * invalid_population
 */
export function versionBefore(folder: string): string {
  const versions = summariseVersions(folder);
  const before = versions[versions.findIndex(({ isCurrent }) => isCurrent) + 1];
  if (!before) throw new AppError('invalid_argument', `${folder} has no version before the current one`);
  return before.version;
}

/**
 * Removes all but the `keep` newest versions, and returns those that went. The current one stays, and so does the one
 * with the most user numbers, which the next import builds on. Ids of erased users are overwritten. A running service
 * that still needs a version that goes (to explain an audience, or to finish an expansion) answers
 * population_unavailable. @throws AppError invalid_population, unavailable (an import runs), storage_failed
 */
export function pruneVersions(folder: string, keep: number): string[] {
  return underLock(folder, () => {
    const versions = summariseVersions(folder);
    const most = versions.reduce((a, b) => (b.knownUsers > a.knownUsers ? b : a));
    const gone = versions.slice(keep).filter((one) => !one.isCurrent && one !== most);
    withStorage(`write ${folder}`, () => {
      // at once, for whoever reads all manifests
      for (const { version } of gone) renameSync(join(folder, version), join(folder, `${version}${REMOVED_SUFFIX}`));
      if (gone.length > 0) syncFolder(folder);
      removeLeftovers(folder);
    });
    redactErased(folder, new Erasures(folder));
    return gone.map(({ version }) => version);
  });
}

/** Overwrites the ids of erased users now, rather than at the next import. @throws AppError as `pruneVersions` */
export function redactErasedUsers(folder: string): number {
  return underLock(folder, () => redactErased(folder, new Erasures(folder)));
}

/** How many versions have the file; none where it is not there, which whoever opens the version is told. */
function linksOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.nlink ?? 0;
}

function underLock<T>(folder: string, action: () => T): T {
  if (findCurrentVersion(folder) === null) throw notAPopulation(folder);
  return asWriterSync(folder, action);
}

/** What was removed, or replaced, by writers that were killed. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.endsWith(REMOVED_SUFFIX)) rmSync(join(folder, name), { recursive: true, force: true });
}

function notAPopulation(folder: string): AppError {
  return new AppError('invalid_population', `${folder} is not a population: it has no file ${CURRENT_FILE}`);
}
