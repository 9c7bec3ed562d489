/** Examines a database for `doctor` and before a start, without changing anything, and refuses poolers. */

import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { PostgresDatabase } from '../database/database.ts';
import { newClient } from '../database/driver.ts';
import { databaseError } from '../database/errors.ts';

/** Oldest version of Postgres that stores are tested with. */
const LEAST_POSTGRES = 16;

export interface DatabaseFacts {
  /** Version of the server, such as `17.2`. */
  readonly serverVersion: string;
  /** The oldest major version that can be used. */
  readonly leastVersion: number;
  /** Whether the server is a standby, which accepts no writes. */
  readonly isStandby: boolean;
  /** Whether this user may create tables in the schema `public`. */
  readonly mayMigrate: boolean;
  /** How far the machine's clock is ahead of the database's, in milliseconds. */
  readonly aheadMs: number;
  /** The server's maximum number of connections, and how many are open. */
  readonly connections: { readonly most: number; readonly open: number };
  /** Whether the connection is encrypted. */
  readonly isEncrypted: boolean;
}

/** @throws AppError unavailable, storage_failed, invalid_argument (a pooler that shares sessions) */
export async function examineDatabase(url: string): Promise<DatabaseFacts> {
  await requireSessions(url);
  const database = new PostgresDatabase(url, 1);
  try {
    const asked = systemClock.elapsed();
    const row = await database.get<Omit<DatabaseFacts, 'leastVersion' | 'aheadMs' | 'connections'> & Counts>(
      `SELECT current_setting('server_version') AS "serverVersion", pg_is_in_recovery() AS "isStandby",
         has_schema_privilege('public', 'CREATE') AS "mayMigrate",
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
         current_setting('max_connections')::int AS most, (SELECT count(*) FROM pg_stat_activity) AS open,
         coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS "isEncrypted"`,
    );
    const { now, most, open, ...facts } = row!;
    const aheadMs = systemClock.now() - (systemClock.elapsed() - asked) / 2 - now;
    return { ...facts, leastVersion: LEAST_POSTGRES, aheadMs, connections: { most, open } };
  } finally {
    await database.close();
  }
}

/**
 * Refuses a server on which no process of a cluster can work. `isBehind` is whether the database must be migrated.
 * @throws AppError invalid_argument, unavailable (a standby)
 */
export function refuseUnusable({ serverVersion, isStandby, mayMigrate }: DatabaseFacts, isBehind: boolean): void {
  if (Number.parseInt(serverVersion, 10) < LEAST_POSTGRES)
    throw new AppError(
      'invalid_argument',
      `the database is Postgres ${serverVersion}: use Postgres ${LEAST_POSTGRES} or newer`,
    );
  if (isStandby) throw new AppError('unavailable', 'the database is a standby, which takes no writes: use the primary');
  if (isBehind && !mayMigrate)
    throw new AppError(
      'invalid_argument',
      'the database must be migrated, but its user has no right to make tables: grant CREATE on the schema public',
    );
}

interface Counts {
  readonly now: number;
  readonly most: number;
  readonly open: number;
}

/** A pooler gives the connection that was used last to the next transaction, unless others are faster. */
const ROUNDS = 3;
/** Number of open transactions while the session is checked again. */
const OTHERS = 2;
/** Maximum time of all rounds. */
const LIMIT_MS = 15_000;

/** Name of a setting that lasts as long as the session. */
const SETTING = 'metaheac.session';

/** @throws AppError invalid_argument if the sessions of the server are shared; unavailable, storage_failed */
export async function requireSessions(url: string): Promise<void> {
  const clients = Array.from({ length: 1 + OTHERS }, () => newClient(url));
  const [own, ...others] = clients as [pg.Client, ...pg.Client[]];
  // pending queries end with their connections
  const limit = setTimeout(() => endAll(clients), LIMIT_MS);
  try {
    await own.connect();
    if (await isDirect(own)) return;
    for (const other of others) await other.connect();
    for (let round = 1; round <= ROUNDS; round++)
      if (!(await isKept(own, others)))
        throw new AppError(
          'invalid_argument',
          'the pooler in front of the database shares connections between transactions, so announcements and the lock ' +
            'of the leader get lost: name the server itself, or let the pooler keep a connection for each session ' +
            '(pool_mode = session of PgBouncer)',
        );
  } catch (error) {
    throw databaseError(error);
  } finally {
    clearTimeout(limit);
    endAll(clients);
  }
}

/**
 * Whether the server process that was announced when the connection was opened also answers its queries. A pooler
 * announces an invented process id.
 */
async function isDirect(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  return rows[0].pid === (client as pg.Client & { readonly processID: number | null }).processID;
}

/** Whether the session is still the same while other connections have open transactions. */
async function isKept(own: pg.Client, others: readonly pg.Client[]): Promise<boolean> {
  const id = randomUUID();
  const before = await own.query('SELECT set_config($1, $2, false), pg_backend_pid() AS pid', [SETTING, id]);
  for (const other of others) await other.query('BEGIN READ ONLY');
  const after = await own.query('SELECT current_setting($1, true) AS id, pg_backend_pid() AS pid', [SETTING]);
  for (const other of others) await other.query('ROLLBACK');
  return after.rows[0].id === id && after.rows[0].pid === before.rows[0].pid;
}

function endAll(clients: readonly pg.Client[]): void {
  for (const client of clients) client.end().catch(() => {});
}
