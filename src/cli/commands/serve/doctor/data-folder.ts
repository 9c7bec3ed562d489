/** Examines the data folder: permissions, database, running service, free space. */
import { existsSync, statfsSync, statSync } from 'node:fs';
import type { KeyCounts, StoreContents, StoreInspection } from '../../../../domain/ports/store.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { counted } from '../../../../lib/text/counted.ts';
import { modeOf, nearestExisting, openToOthers } from '../../../../service/paths.ts';
import { requireWritable } from '../../../../service/require-writable.ts';
import { inspectStore, locateStore } from '../../../../storage/open-store.ts';
import { describeBytes, type Finding, failed, findings, fine, warning } from './finding.ts';

/** Bytes per user in a ranking: a score and a user number of 4 bytes each. */
const RANKING_BYTES_PER_USER = 8;
/** Space needed for the database, its log, seeds and suppression lists. */
const OTHER_BYTES = 256 * 2 ** 20;
/** Minimum number of free inodes, because each ranking has four files. */
const LEAST_FREE_FILES = 1_000;

export interface DataFolderFacts {
  readonly findings: readonly Finding[];
  /** Whether a service is using the folder. */
  readonly isTaken: boolean;
  readonly campaigns: number;
  /** The counts of API keys; null if there is no database, or the database cannot be read. */
  readonly keys: KeyCounts | null;
}

/** `userId` is the user id of this process, or null if the system has no user ids; `now` is in ms since 1970. */
export async function examineDataFolder(dataDir: string, userId: number | null, now: number): Promise<DataFolderFacts> {
  const permissions = await findings('data folder', 'Give the service a folder that it may read and write.', () => [
    examinePermissions(dataDir, userId),
  ]);
  let store: StoreInspection = { isTaken: false, contents: null, stranded: null, saved: [], setAside: [] };
  const contents = await findings('database', READ_ADVICE, async () => {
    if (existsSync(dataDir)) store = await inspectStore(locateStore(dataDir), now);
    return [
      // the service replaces the missing database with the saved copy
      store.stranded === null || store.saved.length > 0
        ? examineDatabase(store.contents)
        : lostDatabase(store.stranded),
      ...examineSaved(store.saved),
      ...examineSetAside(store.setAside),
      examineUse(store.isTaken),
    ];
  });
  const { isTaken, contents: found } = store as StoreInspection;
  return {
    findings: [...permissions, ...contents],
    isTaken,
    campaigns: found?.campaigns ?? 0,
    keys: found?.keys ?? null,
  };
}

const READ_ADVICE = 'Run doctor as the user that runs the service, and check the disk and the owner of the files.';

/** Checks that there is space for a new version of every audience, and for one more audience. */
export function examineSpace(dataDir: string, users: number, campaigns: number): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(nearestExisting(dataDir));
  const free = bavail * bsize;
  const ranking = users * RANKING_BYTES_PER_USER;
  const need = (campaigns + 1) * ranking + OTHER_BYTES;
  const detail = `${describeBytes(free)} free, ${describeBytes(need)} needed (${describeBytes(ranking)} per audience)`;
  // some file systems do not report the number of free inodes
  if (files > 0 && ffree < LEAST_FREE_FILES)
    return failed('disk space', `the disk has room for only ${ffree} more files`, 'Remove files, or use another disk.');
  if (free < ranking + OTHER_BYTES)
    return failed('disk space', detail, 'Free space, or move the data folder: an expansion would fail.');
  if (free < need)
    return warning('disk space', detail, 'Free space, or lower METAHEAC_RETAINED_VERSIONS or METAHEAC_RETAINED_DAYS.');
  return fine('disk space', detail);
}

function examinePermissions(dataDir: string, userId: number | null): Finding {
  const check = 'data folder';
  try {
    requireWritable(dataDir);
  } catch (error) {
    return failed(
      check,
      messageOf(error),
      `Set --data-dir to a folder owned by the user that runs the service, or run chown -R USER ${dataDir}`,
    );
  }
  if (!existsSync(dataDir)) return fine(check, `${dataDir} does not exist yet: serve creates it`);
  const { uid } = statSync(dataDir);
  const mode = modeOf(dataDir);
  if (userId !== null && uid !== userId)
    return warning(
      check,
      `${dataDir} belongs to user ${uid}, but doctor runs as user ${userId}`,
      'Run serve and doctor as the owner, who may be unable to access files that another user creates.',
    );
  const access = openToOthers(dataDir);
  if (access !== null)
    return warning(
      check,
      `${dataDir} can be ${access} by every user of the machine (mode ${mode})`,
      `Restrict access, because the folder holds user ids: chmod o-rwx ${dataDir}`,
    );
  return fine(check, `${dataDir} is writable (owner ${uid}, mode ${mode})`);
}

function examineDatabase(contents: StoreContents | null): Finding {
  const check = 'database';
  if (contents === null) return fine(check, 'none yet: serve creates it');
  const { version, newestVersion, sizeBytes, damage, faults, isChecked, campaigns } = contents;
  if (damage !== null)
    return failed(
      check,
      `the database is damaged: ${damage.split('\n')[0]}`,
      'Restore the data folder from a backup, files and database together.',
    );
  if (version > newestVersion)
    return failed(
      check,
      `the database was written by a newer metaheac (schema ${version}; this version knows ${newestVersion})`,
      'Use the newer version of metaheac: a database cannot be migrated back.',
    );
  if (faults.length > 0)
    return failed(
      check,
      `${faults[0]}${faults.length > 1 ? `, and ${faults.length - 1} more` : ''}`,
      'Restore the data folder from a backup, or delete the damaged files, which metaheac verify lists.',
    );
  const size = describeBytes(sizeBytes);
  if (version < newestVersion)
    return warning(
      check,
      `schema ${version}, which serve migrates to ${newestVersion} (${size})`,
      'Copy the data folder before the start: the earlier version cannot read the migrated database.',
    );
  if (!isChecked) return fine(check, `schema ${version}, ${size}; too large to check unless a service is running`);
  return fine(check, `schema ${version}, ${counted(campaigns, 'campaign')}, ${size}, checksums match`);
}

function lostDatabase(stranded: string): Finding {
  return failed(
    'database',
    `the database is missing or empty, and there are ${stranded}`,
    'Put metaheac.db back, or restore a backup into another folder; serve --adopt moves the other files aside and ' +
      'begins with an empty database.',
  );
}

function examineSaved(saved: readonly string[]): Finding[] {
  const last = saved.at(-1);
  if (last === undefined) return [];
  return [
    warning(
      'saved database',
      `the database files were removed or replaced while a service had them open; the database was saved as ${last}`,
      'Start serve again: it will use the saved database or say what to do.',
    ),
  ];
}

function examineSetAside(folders: readonly string[]): Finding[] {
  if (folders.length === 0) return [];
  return [
    warning(
      'files set aside',
      `${counted(folders.length, 'folder')} with files that the database had no record of; the newest is ${folders.at(-1)}`,
      'Check whether this is the right database; if the files set aside are not needed, remove the folders that hold them.',
    ),
  ];
}

function examineUse(isTaken: boolean): Finding {
  return fine('lock', isTaken ? 'a service is using this folder: a second service would be refused' : 'not held');
}
