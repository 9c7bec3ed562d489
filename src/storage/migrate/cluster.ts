/** The store of a cluster as the source or target of a copy. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { BlobLocator } from '../../domain/ports/store.ts';
import { systemClock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { removeQuietly } from '../../lib/files/durable-files.ts';
import { takeBlobs } from '../blob-mark.ts';
import { SEED_FOLDER } from '../files/set-file.ts';
import { openBlobFiles } from '../open-blob-files.ts';
import { PostgresDatabase } from '../postgres/database/database.ts';
import { COPY_STEP, migrate, readSteps, readVersion } from '../postgres/database/migrations.ts';
import { openBlobs } from '../postgres/open-blobs.ts';
import type { Source, Target } from './copy-store.ts';
import { TABLES } from './tables.ts';

/** The key of the advisory lock that a copying process holds: the letters `mhc`. */
const LOCK = 0x6d6863;
/** A process without a heartbeat for this long is gone. Other processes forget it after the same time. */
const GONE_MS = 15_000;

/**
 * Opens a source while nodes and engines may be using it. `opened` closes everything that this function opens.
 * @throws AppError invalid_argument if the database has another version
 */
export async function openUsedCluster(url: string, locator: BlobLocator, opened: AsyncDisposableStack) {
  return openSource(await connect(url, opened), locator, opened);
}

/** @throws AppError unavailable if processes of the cluster are running; invalid_argument if its version differs */
export async function openClusterSource(
  url: string,
  locator: BlobLocator,
  opened: AsyncDisposableStack,
): Promise<Source> {
  const connection = await connect(url, opened);
  await lock(connection.client);
  const source = await openSource(connection, locator, opened);
  await refuseMembers(connection.database);
  return source;
}

/**
 * Opens an empty database, or one with an interrupted copy of the same source, whose rows are removed first.
 * @throws AppError invalid_argument if the database or the object storage belongs to another store; unavailable if it
 * is in use
 */
export async function openClusterTarget(
  url: string,
  locator: BlobLocator,
  source: string,
  opened: AsyncDisposableStack,
): Promise<Target> {
  const { database, client } = await connect(url, opened);
  await lock(client);
  const begun = await findCopy(database);
  if (begun === null) await migrate(url);
  else if (begun !== source)
    throw refused('the database has an unfinished copy of another store, or of an earlier state of this one');
  await refuseMembers(database);
  const { blobs, close } = await openBlobs(locator);
  opened.defer(close);
  if (begun === null) {
    await requireEmpty(database);
    if ((await blobs.list(SEED_FOLDER)).length > 0)
      throw new AppError('invalid_argument', 'the object storage is not empty: it has user sets; use another prefix');
    await begin(database, locator.url, source);
  } else await removeRows(client);
  // a separate cache, so that the comparison reads blobs from the storage
  const cacheFolder = join(locator.cacheFolder, `copy-${randomUUID()}`);
  opened.defer(() => removeQuietly(cacheFolder));
  const arrived = await openBlobs({ ...locator, cacheFolder });
  opened.defer(arrived.close);
  return {
    ...{ database, blobs, arrived: arrived.blobs },
    requireUnused: () => refuseMembers(database),
    complete: async () => void (await database.run(`DELETE FROM schema_steps WHERE number = ${COPY_STEP}`)),
  };
}

type Client = Awaited<ReturnType<PostgresDatabase['connectAlone']>>;

interface Connection {
  readonly database: PostgresDatabase;
  /** A connection without time limits for statements, so that it can hold the lock. */
  readonly client: Client;
}

async function connect(url: string, opened: AsyncDisposableStack): Promise<Connection> {
  const database = new PostgresDatabase(url, 2);
  opened.defer(() => database.close());
  const client = await database.connectAlone();
  opened.defer(() => client.end());
  return { database, client };
}

/** Ensures that only one process copies from or to a database. */
async function lock(client: Client): Promise<void> {
  const { rows } = await client.query(`SELECT pg_try_advisory_lock(${LOCK}) AS is_mine`);
  if (!rows[0].is_mine) throw new AppError('unavailable', 'another process copies from or to this database');
}

async function openSource(
  { database, client }: Connection,
  locator: BlobLocator,
  opened: AsyncDisposableStack,
): Promise<Source> {
  const [version, known] = [await readVersion(client), readSteps().at(-1)!.number];
  if (version === 0) throw new AppError('invalid_argument', 'the database has no store');
  if (version !== known) {
    const schemas = `the database has schema ${version}, and this version copies schema ${known}`;
    throw new AppError('invalid_argument', `${schemas}: start a node of this version once`);
  }
  const row = await database.get<{ readonly id: string }>(
    `SELECT database_id || '/' || generation AS id FROM installation`,
  );
  const { blobs, close } = await openBlobs(locator);
  opened.defer(close);
  return {
    ...{ id: row!.id, blobs },
    read: (work) =>
      database.read(async (state) => {
        // rows are written elsewhere between statements
        await state.run('SET LOCAL idle_in_transaction_session_timeout = 0');
        return work(state);
      }),
    requireUnused: () => refuseMembers(database),
  };
}

/** The source of the unfinished copy in the database; null if there is none. */
async function findCopy(database: PostgresDatabase): Promise<string | null> {
  const steps = await database.get<{ readonly areThere: boolean }>(
    `SELECT to_regclass('schema_steps') IS NOT NULL AS "areThere"`,
  );
  if (!steps!.areThere) return null;
  const select = `SELECT name FROM schema_steps WHERE number = ${COPY_STEP}`;
  return (await database.get<{ readonly name: string }>(select))?.name ?? null;
}

async function refuseMembers(database: PostgresDatabase): Promise<void> {
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

async function requireEmpty(database: PostgresDatabase): Promise<void> {
  for (const { name } of TABLES.filter(({ isSingle }) => !isSingle))
    if ((await database.get(`SELECT 1 AS found FROM ${name} LIMIT 1`)) !== undefined)
      throw refused(`the database is not empty: it has rows in ${name}`);
}

/** Marks the blobs as belonging to this database. Services cannot open it until the copy is complete. */
async function begin(database: PostgresDatabase, blobs: string, source: string): Promise<void> {
  const row = await database.get<{ readonly id: string }>('SELECT database_id AS id FROM installation');
  await takeBlobs(await openBlobFiles(blobs, systemClock), { databaseId: row!.id, isInUse: false });
  await database.run(`INSERT INTO schema_steps (number, name, kind) VALUES (${COPY_STEP}, @source, 'contract')`, {
    source,
  });
}

/** Removes the rows of an interrupted copy, in one transaction. */
async function removeRows(client: Client): Promise<void> {
  const tables = TABLES.filter(({ isSingle }) => !isSingle).reverse();
  await client.query(
    `UPDATE installation SET suppression_set = NULL; UPDATE audit_retention SET before = ${Number.MAX_SAFE_INTEGER};
     ${tables.map(({ name }) => `DELETE FROM ${name}`).join('; ')}`,
  );
}

function refused(found: string): AppError {
  return new AppError('invalid_argument', `${found}: use an empty database`);
}
