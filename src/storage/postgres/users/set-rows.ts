/** Rows of user sets: the owner of each set, and unused sets. */
import { campaignNotFound } from '../../../domain/not-found.ts';
import type { SeedCounts } from '../../../domain/types.ts';
import { countsWithout, type OwnedSet, type SetOwner } from '../../../domain/user-sets.ts';
import {
  COUNTED_SETS,
  IS_UNUSED,
  placeOf,
  REFERENCES,
  type StoredCounts,
  toOwnedSet,
  toStoredCounts,
} from '../../rows/user-sets.ts';
import type { Sql } from '../database/database.ts';
import { toJson } from '../database/statement.ts';

/**
 * The owner's set; null if the owner has none.
 * @throws AppError campaign_not_found
 */
export async function readOwnedSet(sql: Sql, owner: SetOwner): Promise<OwnedSet | null> {
  const { table, set, counts, where, parameters } = placeOf(owner);
  const row = await sql.get<{ name: string | null; counts: StoredCounts; recordedAt: number }>(
    `SELECT o.${set} AS name, o.${counts} AS counts, s.created_at AS "recordedAt"
     FROM ${table} o LEFT JOIN user_sets s ON s.sha256 = o.${set} WHERE o.${where}`,
    parameters,
  );
  if (row === undefined) throw notFound(owner);
  return row.name === null ? null : toOwnedSet(row.name, row.counts, row.recordedAt);
}

/**
 * Assigns a recorded set to the owner, or removes the owner's set, inside the caller's transaction.
 * @throws AppError campaign_not_found
 */
export async function assignSet(sql: Sql, owner: SetOwner, owned: OwnedSet | null, now: number): Promise<void> {
  const { table, set, counts, where, parameters } = placeOf(owner);
  const touched = owner.kind === 'common_suppression' ? '' : ', updated_at = @now';
  const changed = await sql.run(`UPDATE ${table} SET ${set} = @name, ${counts} = @counts${touched} WHERE ${where}`, {
    ...{ name: owned?.name ?? null, counts: owned && encodeCounts(owned), now },
    ...parameters,
  });
  if (changed === 0) throw notFound(owner);
}

/** The value of a `counts` column. */
export function encodeCounts(owned: Omit<OwnedSet, 'name'>): string {
  return toJson(toStoredCounts(owned))!;
}

/** A published set. The column `sha256` of its row has its name, which begins with the sha256. */
export interface NamedSet {
  readonly name: string;
  readonly users: number;
  readonly sizeBytes: number;
}

/** Inserts the row of a set, inside the caller's transaction; returns whether the set had no row yet. */
export async function insertSet(sql: Sql, { name, users, sizeBytes }: NamedSet, now: number): Promise<boolean> {
  const inserted = await sql.run(
    `INSERT INTO user_sets (sha256, users, size_bytes, created_at) VALUES (@name, @users, @sizeBytes, @now)
     ON CONFLICT DO NOTHING`,
    { name, users, sizeBytes, now },
  );
  return inserted === 1;
}

export async function hasSet(sql: Sql, name: string): Promise<boolean> {
  return (await sql.get('SELECT 1 AS found FROM user_sets WHERE sha256 = @name', { name })) !== undefined;
}

/** Those of the names that have a row. */
export async function existingSets(sql: Sql, names: readonly string[]): Promise<string[]> {
  const rows = await sql.all<{ name: string }>(
    'SELECT sha256 AS name FROM user_sets WHERE sha256 = ANY(@names::text[])',
    { names },
  );
  return rows.map(({ name }) => name);
}

/** The names of sets to which no other row refers. */
export async function unusedSets(sql: Sql): Promise<string[]> {
  const rows = await sql.all<{ name: string }>(`SELECT sha256 AS name FROM user_sets WHERE ${IS_UNUSED}`);
  return rows.map(({ name }) => name);
}

/** The names of all sets to which a campaign and its expansions refer. */
export async function setsOfCampaign(sql: Sql, campaign: number): Promise<string[]> {
  const selects = REFERENCES.filter(([table]) => table !== 'installation').map(
    ([table, column]) =>
      `SELECT ${column} AS name FROM ${table} WHERE ${table === 'campaigns' ? 'number' : 'campaign'} = @campaign`,
  );
  const rows = await sql.all<{ name: string | null }>(selects.join(' UNION '), { campaign });
  return rows.flatMap(({ name }) => name ?? []);
}

/** Deletes the row of a set unless other rows refer to it; returns whether the row was deleted. */
export async function deleteUnusedSet(sql: Sql, name: string): Promise<boolean> {
  return (await sql.run(`DELETE FROM user_sets WHERE sha256 = @name AND ${IS_UNUSED}`, { name })) === 1;
}

/** Deletes a row to which no other row refers. */
export async function deleteSet(sql: Sql, name: string): Promise<void> {
  await sql.run('DELETE FROM user_sets WHERE sha256 = @name', { name });
}

/** The names of all sets. */
export async function setNames(sql: Sql): Promise<string[]> {
  return (await sql.all<{ name: string }>('SELECT sha256 AS name FROM user_sets')).map(({ name }) => name);
}

/**
 * Replaces the set `before` with the recorded set `after` in every column that refers to `before`. The new set lacks
 * the users in `erased`, who are removed from the counts too. Runs inside the caller's transaction. Returns false if
 * nothing refers to `before` any more.
 */
export async function replaceSet(
  sql: Sql,
  before: string,
  after: Pick<NamedSet, 'name' | 'users'>,
  erased: ReadonlySet<string>,
): Promise<boolean> {
  for (const [table, set, counts, key] of COUNTED_SETS) {
    const rows = await sql.all<{ row: number; stored: StoredCounts }>(
      `SELECT ${key} AS row, ${counts} AS stored FROM ${table} WHERE ${set} = @before`,
      { before },
    );
    const update = `UPDATE ${table} SET ${counts} = @counts WHERE ${key} = @row`;
    for (const { row, stored } of rows)
      await sql.run(update, {
        ...{ row, counts: toJson({ ...stored, ...countsWithout(stored, erased) }) },
      });
  }
  await eraseFromExpansions(sql, before, erased);
  for (const [column, set] of [
    ['positives', 'positive_set'],
    ['dismissed', 'dismissed_set'],
  ])
    await sql.run(`UPDATE expansions SET ${column} = @users WHERE ${set} = @before`, { users: after.users, before });
  let changed = 0;
  for (const [table, column] of REFERENCES)
    changed += await sql.run(`UPDATE ${table} SET ${column} = @after WHERE ${column} = @before`, {
      ...{ after: after.name, before },
    });
  return changed > 0;
}

async function eraseFromExpansions(sql: Sql, seedSet: string, erased: ReadonlySet<string>): Promise<void> {
  const rows = await sql.all<SeedCounts & { number: number }>(
    `SELECT number, seeds_received AS received, seeds_known AS known, seeds_unknown AS unknown,
       seeds_duplicate AS duplicate, unknown_examples AS "unknownExamples"
     FROM expansions WHERE seed_set = @seedSet`,
    { seedSet },
  );
  for (const { number, ...counts } of rows) {
    const { received, known, unknown, unknownExamples } = countsWithout(counts, erased);
    await sql.run(
      `UPDATE expansions SET seeds_received = @received, seeds_known = @known, seeds_unknown = @unknown,
         unknown_examples = @examples WHERE number = @number`,
      { received, known, unknown, examples: toJson(unknownExamples), number },
    );
  }
}

function notFound(owner: SetOwner): Error {
  return owner.kind === 'common_suppression'
    ? new Error('the installation has a row')
    : campaignNotFound(owner.campaignId);
}
