/** Migrates a database. The steps are the files of migrations/postgres; `schema_steps` records which were applied. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { AppError, assert } from '../../../lib/errors.ts';
import { PACKAGE_ROOT } from '../../../lib/package-root.ts';
import { newClient } from './driver.ts';
import { databaseError } from './errors.ts';

const MIGRATIONS_FOLDER = join(PACKAGE_ROOT, 'migrations', 'postgres');
/** The first step makes the whole schema that SQLite has after this number of migrations. */
const BASELINE = 16;
/** The key of the advisory lock that only one process holds while it migrates: the letters `mh`. */
const LOCK = 0x6d68;

/** The number of the row of `schema_steps` that exists while another store is being copied into the database. */
export const COPY_STEP = 1_000_000;

/** Whether programs that do not know a step can go on using the database. */
type Kind = 'expand' | 'contract';

export interface Step {
  readonly number: number;
  readonly name: string;
  readonly kind: Kind;
  readonly sql: string;
}

/**
 * Reads the steps in order. The first line of a file is `-- expand: <what>` if programs of the release before can go on
 * using the database, else `-- contract: <what>`. A gap or an unexpected name is a bug in this version.
 */
export function readSteps(folder: string = MIGRATIONS_FOLDER): readonly Step[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, i) => {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
    assert(number === BASELINE + i, `migration postgres/${name} is not number ${BASELINE + i}`);
    const sql = readFileSync(join(folder, name), 'utf8');
    const kind = /^-- (expand|contract): \S/.exec(sql)?.[1];
    assert(kind !== undefined, `migration postgres/${name} begins with its kind`);
    return { number, name, kind: kind as Kind, sql };
  });
}

/**
 * Applies missing steps, each in its own transaction. Processes that start at the same time wait for each other.
 * @throws AppError invalid_argument if the database has steps that this version cannot work with; storage_failed,
 * unavailable
 */
export async function migrate(url: string, steps: readonly Step[] = readSteps()): Promise<void> {
  const client = newClient(url);
  try {
    await client.connect();
    if ((await readVersion(client, steps)) >= steps.at(-1)!.number) return;
    for (const step of steps) await apply(client, step);
  } catch (error) {
    throw databaseError(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The number of the last applied step; 0 for a database without tables of this service.
 * @throws AppError invalid_argument if the database has unknown steps that older versions cannot work with
 */
export async function readVersion(client: Pick<pg.Client, 'query'>, steps = readSteps()): Promise<number> {
  const found = await client.query(`SELECT to_regclass('schema_steps') IS NOT NULL AS is_there`);
  if (!found.rows[0].is_there) return 0;
  const { rows } = await client.query<Pick<Step, 'number' | 'kind'>>(
    'SELECT number, kind FROM schema_steps ORDER BY 1',
  );
  const known = steps.at(-1)!.number;
  if (rows.at(-1)?.number === COPY_STEP) throw unfinishedCopy();
  const foreign = rows.find(({ number, kind }) => number > known && kind === 'contract');
  if (foreign !== undefined) throw newerVersion(foreign.number, known);
  return rows.at(-1)?.number ?? 0;
}

function unfinishedCopy(): AppError {
  const message = 'the database has an unfinished copy of another store: run metaheac migrate-store again to finish it';
  return new AppError('invalid_argument', message);
}

function newerVersion(version: number, known: number): AppError {
  const message = `the database was migrated by a newer version (schema ${version}, this version knows ${known})`;
  return new AppError('invalid_argument', message);
}

async function apply(client: pg.Client, { number, name, kind, sql }: Step): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await client.query(
      `CREATE TABLE IF NOT EXISTS schema_steps (
         number     bigint PRIMARY KEY,
         name       text   NOT NULL,
         kind       text   NOT NULL CHECK (kind IN ('expand', 'contract')),
         applied_at timestamptz NOT NULL DEFAULT now()
       )`,
    );
    const applied = await client.query('SELECT 1 FROM schema_steps WHERE number = $1', [number]);
    if (applied.rows.length === 0) {
      await client.query(sql);
      await client.query('INSERT INTO schema_steps (number, name, kind) VALUES ($1, $2, $3)', [number, name, kind]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
