/** The store of a cluster as the source or target of a copy. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { BlobLocator } from '../../domain/ports/store.ts';
import { systemClock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { removeQuietly } from '../../lib/files/durable-files.ts';
import { takeBlobs } from '../blob-mark.ts';
import { SEED_FOLDER } from '../files/set-file.ts';
import { openBlobFiles } from '../open-blob-files.ts';
import { Database } from '../postgres/database/database.ts';
import { COPY_STEP, migrate, readSteps, readVersion } from '../postgres/database/migrations.ts';
import { type OpenedBlobs, openBlobs } from '../postgres/open-blobs.ts';
import { contentsOf } from '../postgres/upkeep/upkeep.ts';
import type { Source, Target, WithTypes } from './ends.ts';
import { PostgresRows } from './postgres-rows.ts';
import { TABLES } from './tables.ts';

/** The key of the advisory lock of a process that copies: the letters `mhc`. */
const LOCK = 0x6d6863;
/** A process that has not described itself for this long is gone; others forget it after the same time. */
const GONE_MS = 15_000;

/** @throws AppError unavailable if processes of the cluster run; invalid_argument if it has another version */
export async function openClusterSource(url: string, locator: BlobLocator): Promise<Source & WithTypes> {
  const database = new Database(url, 2);
  return closingOnError([database], async (closed) => {
    const unlock = await lock(database, closed);
    await requireStore(database);
    const requireUnused = () => refuseMembers(database);
    await requireUnused();
    const opened = await openBlobs(locator);
    const row = await database.get<{ readonly id: string }>(
      `SELECT database_id || '/' || generation AS id FROM installation`,
    );
    return {
      ...{ rows: new PostgresRows(database), blobs: opened.blobs, id: row!.id, requireUnused },
      contents: () => contentsOf(database),
      close: async () => {
        opened.close();
        await unlock();
        await database.close();
      },
    };
  });
}

export interface UsedSource {
  readonly database: Database;
  readonly blobs: Blobs;
  close(): Promise<void>;
}

/** A source that nodes and engines may be using. @throws AppError invalid_argument if it has another version */
export async function openUsedSource(url: string, locator: BlobLocator): Promise<UsedSource> {
  const database = new Database(url, 2);
  return closingOnError([database], async () => {
    await requireStore(database);
    const { blobs, close } = await openBlobs(locator);
    return {
      ...{ database, blobs },
      close: async () => {
        close();
        await database.close();
      },
    };
  });
}

/** @throws AppError invalid_argument if the database or the object storage has a store; unavailable if it is in use */
export async function openClusterTarget(
  url: string,
  locator: BlobLocator,
  source: string,
): Promise<Target & WithTypes> {
  const database = new Database(url, 2);
  return closingOnError([database], async (closed) => {
    const unlock = await lock(database, closed);
    const isBegun = await isCopyOf(database, source);
    if (!isBegun) await migrate(url);
    requireNewest(await newestOf(database));
    const requireUnused = () => refuseMembers(database);
    await requireUnused();
    const opened = await openBlobs(locator);
    closed.push(opened);
    if (!isBegun) await begin(database, opened, { source, url: locator.url });
    const { arrived, close } = await openAnew(locator);
    return {
      ...{ rows: new PostgresRows(database), blobs: opened.blobs, arrived, isBegun, requireUnused },
      complete: async () => {
        await database.write((t) => t.run(`DELETE FROM schema_steps WHERE number = ${COPY_STEP}`), 'readCommitted');
      },
      close: async () => {
        close();
        opened.close();
        await unlock();
        await database.close();
      },
    };
  });
}

interface Closable {
  close(): unknown;
}

async function closingOnError<T>(parts: Closable[], open: (parts: Closable[]) => Promise<T>): Promise<T> {
  try {
    return await open(parts);
  } catch (error) {
    for (const part of parts.reverse()) await part.close();
    throw error;
  }
}

/** Lets one process copy from or to a database. */
async function lock(database: Database, closed: Closable[]): Promise<() => Promise<void>> {
  const client = await database.connectAlone();
  const unlock = () => client.end();
  closed.push({ close: unlock });
  const { rows } = await client.query(`SELECT pg_try_advisory_lock(${LOCK}) AS is_mine`);
  if (!rows[0].is_mine) throw new AppError('unavailable', 'another process copies from or to this database');
  return unlock;
}

/** Whether the database has the begun copy of this source. */
async function isCopyOf(database: Database, source: string): Promise<boolean> {
  const there = await database.get<{ readonly isThere: boolean }>(
    `SELECT to_regclass('schema_steps') IS NOT NULL AS "isThere"`,
  );
  if (!there!.isThere) return false;
  const row = await database.get<{ readonly name: string }>(
    `SELECT name FROM schema_steps WHERE number = ${COPY_STEP}`,
  );
  if (row === undefined || row.name === source) return row !== undefined;
  throw new AppError(
    'invalid_argument',
    'the database has an unfinished copy of another store, or of an earlier state of this one: use an empty database',
  );
}

async function requireStore(database: Database): Promise<void> {
  const version = await readVersionOf(database);
  if (version === 0) throw new AppError('invalid_argument', 'the database has no store');
  requireNewest(version);
}

async function readVersionOf(database: Database): Promise<number> {
  const client = await database.connectAlone();
  try {
    return await readVersion(client);
  } finally {
    await client.end();
  }
}

async function newestOf(database: Database): Promise<number> {
  const row = await database.get<{ readonly newest: number }>(
    `SELECT max(number) AS newest FROM schema_steps WHERE number <> ${COPY_STEP}`,
  );
  return row!.newest;
}

function requireNewest(version: number): void {
  const known = readSteps().at(-1)!.number;
  if (version === known) return;
  throw new AppError(
    'invalid_argument',
    `the database has schema ${version}, and this version copies schema ${known}: start a node of this version once`,
  );
}

async function refuseMembers(database: Database): Promise<void> {
  const members = await database.all<{ readonly kind: string; readonly host: string }>(
    `SELECT kind, host FROM members WHERE seen_at > clock_timestamp() - @ms * interval '1 millisecond' ORDER BY 1, 2`,
    { ms: GONE_MS },
  );
  if (members.length === 0) return;
  const names = members.slice(0, 5).map(({ kind, host }) => `${kind} on ${host}`);
  throw new AppError(
    'unavailable',
    `the cluster is in use (${members.length} in all: ${names.join(', ')}): stop all nodes and engines first; one ` +
      `that was killed counts for ${GONE_MS / 1000} s more`,
  );
}

/**
 * Checks that there is no other store, marks the blobs as those of this database, and keeps services from opening the
 * database until the copy is complete.
 */
async function begin(
  database: Database,
  { blobs }: OpenedBlobs,
  { source, url }: { readonly source: string; readonly url: string },
): Promise<void> {
  const tables = TABLES.filter(({ isSingle, isCleared }) => !isSingle && isCleared !== true);
  for (const { name } of tables) {
    const row = await database.get<{ readonly isFilled: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM ${name}) AS "isFilled"`,
    );
    if (row!.isFilled)
      throw new AppError(
        'invalid_argument',
        `the database is not empty: it has rows in ${name}; use an empty database`,
      );
  }
  if ((await blobs.list(SEED_FOLDER)).length > 0)
    throw new AppError('invalid_argument', 'the object storage is not empty: it has user sets; use another prefix');
  const row = await database.get<{ readonly id: string }>('SELECT database_id AS id FROM installation');
  await takeBlobs(await openBlobFiles(url, systemClock), { databaseId: row!.id, isInUse: false });
  await database.write(
    (t) =>
      t.run(`INSERT INTO schema_steps (number, name, kind) VALUES (${COPY_STEP}, @source, 'contract')`, { source }),
    'readCommitted',
  );
}

/** Opens the blobs with a cache of its own, which is removed at the end. */
async function openAnew(locator: BlobLocator) {
  const cacheFolder = join(locator.cacheFolder, `copy-${randomUUID()}`);
  const { blobs: arrived, close } = await openBlobs({ ...locator, cacheFolder });
  return {
    arrived,
    close: () => {
      close();
      removeQuietly(cacheFolder);
    },
  };
}
