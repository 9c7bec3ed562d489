/**
 * Applies one step of the migrations while other processes use the database. A statement that waits for a table makes
 * all later statements about that table wait behind it, so a step waits only briefly, gives way, and tries again.
 */
import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { isConflict } from './errors.ts';

/** The key of the advisory lock that only one process holds while it migrates: the letters `mh`. */
const LOCK = 0x6d68;
/** Minimum pause between two checks whether another process is migrating. */
const LOOK_MS = 50;
/** SQLSTATE of a lock that was not free in time. */
const LOCKED = '55P03';

/** A step of the migrations. */
export interface Step {
  readonly number: number;
  readonly name: string;
  /** Whether programs that do not know this step can continue to use the database. */
  readonly kind: 'expand' | 'contract';
  readonly sql: string;
}

/** How long a migrating process waits for other processes. */
export interface Patience {
  /** Maximum time that a statement waits for a lock. It is short because other statements queue behind it. */
  readonly lockMs: number;
  /** Minimum pause before the next attempt; the pause is at most twice as long. */
  readonly pauseMs: number;
  /** Maximum total time of all attempts at a step, and of the wait for another migrating process. */
  readonly giveUpMs: number;
}

const PATIENCE: Patience = { lockMs: 500, pauseMs: 1_000, giveUpMs: 300_000 };

/** The indexes that a step makes without locking their tables. */
const CONCURRENT_INDEX = /\bINDEX CONCURRENTLY IF NOT EXISTS (\w+)/g;

/**
 * Waits until no other process is migrating, and prevents others from migrating until the connection ends.
 * @throws AppError unavailable
 */
export async function lockMigrations(client: pg.Client, patience: Partial<Patience> = {}): Promise<void> {
  const limits = { ...PATIENCE, ...patience };
  const until = systemClock.elapsed() + limits.giveUpMs;
  // a statement waiting for the lock would hold a snapshot, and a concurrent index build would wait for it to end
  while (!(await client.query('SELECT pg_try_advisory_lock($1) AS is_mine', [LOCK])).rows[0].is_mine) {
    if (systemClock.elapsed() > until)
      throw new AppError('unavailable', `another process has been migrating the database ${lasting(limits)}`);
    await setTimeout(LOOK_MS + randomInt(LOOK_MS));
  }
}

/**
 * Applies a step unless it was applied before: in one transaction or, if the step creates indexes concurrently,
 * statement by statement. The caller has called `lockMigrations`.
 * @throws AppError unavailable if other processes lock the tables for too long; the errors of the driver
 */
export async function applyStep(client: pg.Client, step: Step, patience: Partial<Patience> = {}): Promise<void> {
  const limits = { ...PATIENCE, ...patience };
  await prepare(client, limits);
  const applied = await client.query('SELECT 1 FROM schema_steps WHERE number = $1', [step.number]);
  if (applied.rows.length > 0) return;
  const until = systemClock.elapsed() + limits.giveUpMs;
  for (;;) {
    try {
      if (step.sql.match(CONCURRENT_INDEX) === null) await inTransaction(client, step);
      else await oneByOne(client, step, limits);
      return;
    } catch (error) {
      if (!isBlocked(error)) throw error;
      if (systemClock.elapsed() > until) throw blocked(step, limits);
    }
    await setTimeout(limits.pauseMs + randomInt(limits.pauseMs));
  }
}

async function prepare(client: pg.Client, { lockMs }: Patience): Promise<void> {
  await client.query(`SET lock_timeout = ${lockMs}`);
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_steps (
       number     bigint PRIMARY KEY,
       name       text   NOT NULL,
       kind       text   NOT NULL CHECK (kind IN ('expand', 'contract')),
       applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  );
}

async function inTransaction(client: pg.Client, step: Step): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(step.sql);
    await record(client, step);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Indexes finished before an interruption stay; an unfinished index is built again. */
async function oneByOne(client: pg.Client, step: Step, { lockMs }: Patience): Promise<void> {
  // these statements block no others, so they may wait for as long as the table is in use
  await client.query('SET lock_timeout = 0');
  const names = [...step.sql.matchAll(CONCURRENT_INDEX)].map(([, name]) => name);
  const { rows } = await client.query<{ readonly name: string }>(
    `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid AND indexrelid = ANY (
       SELECT to_regclass(name) FROM unnest($1::text[]) AS name)`,
    [names],
  );
  for (const { name } of rows) await client.query(`DROP INDEX CONCURRENTLY ${name}`);
  for (const statement of step.sql.split(/;\s*$/m)) if (hasSql(statement)) await client.query(statement);
  await client.query(`SET lock_timeout = ${lockMs}`);
  await record(client, step);
}

function hasSql(text: string): boolean {
  return text.replaceAll(/^\s*--.*$/gm, '').trim() !== '';
}

async function record(client: pg.Client, { number, name, kind }: Step): Promise<void> {
  await client.query('INSERT INTO schema_steps (number, name, kind) VALUES ($1, $2, $3)', [number, name, kind]);
}

function isBlocked(error: unknown): boolean {
  return isConflict(error) || (error as { readonly code?: unknown }).code === LOCKED;
}

function blocked({ name }: Step, limits: Patience): AppError {
  return new AppError(
    'unavailable',
    `migration ${name} cannot change its tables, because other transactions have been using them ${lasting(limits)}: ` +
      'end transactions that run for long (see pg_stat_activity), then start again',
  );
}

function lasting({ giveUpMs }: Patience): string {
  return `for ${Math.round(giveUpMs / 1000)} s`;
}
