/** Lists the versions of a population folder, makes a version current, and removes old versions. */
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
  type IdentifierCounts,
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
  /** Whether this version was published last, so that updates build on it. */
  readonly isNewest: boolean;
  /** Time of publication, in ms since 1970. */
  readonly publishedAt: number;
  readonly users: number;
  /** Number of user ids in the directory, including those of earlier versions. */
  readonly knownUsers: number;
  /** Size of the files that belong only to this version, in bytes. */
  readonly bytes: number;
  /** Number of rows on disk that no longer belong to a user. */
  readonly deadRows: number;
  readonly segments: number;
  /** Number of segments that other versions share. */
  readonly sharedSegments: number;
  readonly features: Manifest['features'];
  readonly identifiers: readonly IdentifierCounts[];
}

/** The published versions, newest first. @throws AppError invalid_population */
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
        identifiers: manifest.identifiers ?? [],
      };
    })
    .sort((a, b) => order.indexOf(b.version) - order.indexOf(a.version));
}

/**
 * Makes a published version current, after checking all its files (unless the caller has already checked them). User
 * numbers and codes are never reassigned, so switching back and forth is safe. @throws AppError invalid_argument (no
 * such version), invalid_population, unavailable (an import is running), storage_failed
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
 * The version published before the current version. @throws AppError invalid_argument if there is no such version,
 * invalid_population
 */
export function versionBefore(folder: string): string {
  const versions = summariseVersions(folder);
  const before = versions[versions.findIndex(({ isCurrent }) => isCurrent) + 1];
  if (!before) throw new AppError('invalid_argument', `${folder} has no version before the current one`);
  return before.version;
}

/**
 * Removes all but the `keep` newest versions, and returns the removed versions. The current version is kept, as is the
 * version with the most user numbers, which the next import builds on. The ids of erased users are overwritten. A
 * running service that still needs a removed version (to explain an audience or finish an expansion) answers
 * population_unavailable. @throws AppError invalid_population, unavailable (an import is running), storage_failed
 */
export function pruneVersions(folder: string, keep: number): string[] {
  return underLock(folder, () => {
    const versions = summariseVersions(folder);
    const most = versions.reduce((a, b) => (b.knownUsers > a.knownUsers ? b : a));
    const gone = versions.slice(keep).filter((one) => !one.isCurrent && one !== most);
    withStorage(`write ${folder}`, () => {
      // all versions are renamed before any version is deleted, so that no reader finds a partly deleted version
      for (const { version } of gone) renameSync(join(folder, version), join(folder, `${version}${REMOVED_SUFFIX}`));
      if (gone.length > 0) syncFolder(folder);
      removeLeftovers(folder);
    });
    redactErased(folder, new Erasures(folder));
    return gone.map(({ version }) => version);
  });
}

/**
 * Overwrites the ids of erased users immediately, without waiting for the next import. @throws the errors of
 * `pruneVersions`
 */
export function redactErasedUsers(folder: string): number {
  return underLock(folder, () => redactErased(folder, new Erasures(folder)));
}

/**
 * The number of versions that share the file; 0 if the file is missing (an error is reported when the version is
 * opened).
 */
function linksOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.nlink ?? 0;
}

function underLock<T>(folder: string, action: () => T): T {
  if (findCurrentVersion(folder) === null) throw notAPopulation(folder);
  return asWriterSync(folder, action);
}

/** Deletes what remains of versions that killed writers were removing or replacing. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.endsWith(REMOVED_SUFFIX)) rmSync(join(folder, name), { recursive: true, force: true });
}

function notAPopulation(folder: string): AppError {
  return new AppError('invalid_population', `${folder} is not a population: it has no file ${CURRENT_FILE}`);
}
