/** Migrates a database. The steps are the files of migrations/postgres; `schema_steps` records which were applied. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { AppError, assert } from '../../../lib/errors.ts';
import { PACKAGE_ROOT } from '../../../lib/package-root.ts';
import { applyStep, lockMigrations, type Patience, type Step } from './apply-step.ts';
import { newClient } from './driver.ts';
import { databaseError } from './errors.ts';

const MIGRATIONS_FOLDER = join(PACKAGE_ROOT, 'migrations', 'postgres');
/** The number of the first step. */
const BASELINE = 1;
/** The number of the row of `schema_steps` that exists while another store is being copied into the database. */
export const COPY_STEP = 1_000_000;

/**
 * Reads the steps in order. The first line of a file is `-- expand: <what>` if programs of the previous release can
 * continue to use the database, otherwise `-- contract: <what>`. A gap or an unexpected name is a bug in this version.
 */
export function readSteps(folder: string = MIGRATIONS_FOLDER): readonly Step[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, i) => {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
    assert(number === BASELINE + i, `migration postgres/${name} is not number ${BASELINE + i}`);
    const sql = readFileSync(join(folder, name), 'utf8');
    const kind = /^-- (expand|contract): \S/.exec(sql)?.[1];
    assert(kind !== undefined, `migration postgres/${name} begins with its kind`);
    return { number, name, kind: kind as Step['kind'], sql };
  });
}

/**
 * Applies missing steps. Processes that start at the same time wait for each other. Processes that are already running
 * can continue to use the database: a step that waits for a table lets them go first (`applyStep`).
 * @throws AppError invalid_argument if the database has steps that this version cannot work with; storage_failed,
 * unavailable
 */
export async function migrate(
  url: string,
  steps: readonly Step[] = readSteps(),
  patience?: Partial<Patience>,
): Promise<void> {
  const client = newClient(url);
  try {
    await client.connect();
    if ((await readVersion(client, steps)) >= steps.at(-1)!.number) return;
    await lockMigrations(client, patience);
    for (const step of steps) await applyStep(client, step, patience);
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
