/**
 * Refuses connection poolers in transaction mode. Through such a pooler, announcements are lost and the leader's lock
 * may belong to any client, without an error.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { AppError } from '../../../lib/errors.ts';
import { newClient } from '../database/driver.ts';
import { databaseError } from '../database/errors.ts';

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
