/** How write transactions begin, and how failed transactions end. */
import type pg from 'pg';
import type { WriteLevel } from '../../sql/sql.ts';
import { isConnectionLost } from './errors.ts';

const BEGIN = {
  serializable: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
  readCommitted: 'BEGIN ISOLATION LEVEL READ COMMITTED',
  alone: 'BEGIN ISOLATION LEVEL READ COMMITTED',
  impatient: 'BEGIN ISOLATION LEVEL READ COMMITTED',
} as const satisfies Record<WriteLevel, string>;

/**
 * Begins a transaction and returns its id. A transaction that runs alone waits until all others have ended, and others
 * wait for it. The lock is taken before the snapshot, which the next statement takes.
 */
export async function begin(client: pg.PoolClient, level: WriteLevel, isAlone: boolean): Promise<string> {
  const mode = isAlone ? 'EXCLUSIVE' : 'ROW SHARE';
  // a query with several statements returns one result per statement
  const results: unknown = await client.query(
    `${BEGIN[level]}; LOCK TABLE schema_steps IN ${mode} MODE; SELECT pg_current_xact_id()::text AS id`,
  );
  return (results as readonly pg.QueryResult<{ readonly id: string }>[])[2]!.rows[0]!.id;
}

/** Ends a failed transaction; a connection in an unknown state is closed. */
export async function rollBack(client: pg.PoolClient, failure: unknown): Promise<void> {
  if (isConnectionLost(failure)) return client.release(true);
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}
