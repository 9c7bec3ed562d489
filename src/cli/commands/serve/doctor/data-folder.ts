/** Describes the data folder: permissions, database, files set aside, free space. */
import { existsSync, statfsSync, statSync } from 'node:fs';
import type { StoreContents } from '../../../../domain/ports/store.ts';
import { counted } from '../../../../lib/text/counted.ts';
import { modeOf, nearestExisting, openToOthers } from '../../../../service/paths.ts';
import { describeBytes, type Finding, failed, fine, warning } from './finding.ts';

/** Bytes per user in a ranking: a score and a user number of 4 bytes each. */
const RANKING_BYTES_PER_USER = 8;
/** Space needed for the database, its log, seeds and suppression lists. */
const OTHER_BYTES = 256 * 2 ** 20;
/** Minimum number of free inodes, because each ranking has four files. */
const LEAST_FREE_FILES = 1_000;

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

/** `userId` is the user id of this process, or null if the system has no user ids. */
export function describeDataFolder(dataDir: string, userId: number | null): Finding {
  const check = 'data folder';
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

export function examineDatabase(contents: StoreContents | null): Finding {
  const check = 'database';
  if (contents === null) return fine(check, 'none yet: serve creates it');
  const { version, newestVersion, sizeBytes, damage, faults, isChecked, campaigns } = contents;
  if (damage !== null)
    return failed(
      check,
      `the database is damaged: ${damage.split('\n')[0]}`,
      'Restore the data folder from a backup, files and database together.',
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

export function examineSaved(saved: readonly string[]): Finding[] {
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

export function examineSetAside(folders: readonly string[]): Finding[] {
  if (folders.length === 0) return [];
  return [
    warning(
      'files set aside',
      `${counted(folders.length, 'folder')} with files that the database had no record of; the newest is ${folders.at(-1)}`,
      'Check whether this is the right database; if the files set aside are not needed, remove the folders that hold them.',
    ),
  ];
}
