/** Rows of user sets: who owns each set, and which columns refer to sets. */
import { setImmediate } from 'node:timers/promises';
import type { ConsentBasis } from '../../domain/consent.ts';
import { campaignNotFound } from '../../domain/not-found.ts';
import type { SeedCounts } from '../../domain/types.ts';
import { countsWithout, type OwnedSet, type SetOwner, type WeightSummary } from '../../domain/user-sets.ts';
import { blockOf, hashUser, mayHave } from '../files/set-filter.ts';
import { json, plain, type RowOf, readRow, refuseDamaged, selectList, updateRow } from './columns.ts';
import { type Json, readJson, toJson } from './json.ts';
import { eraseExpiries, INSTALLATION } from './list-expiries.ts';
import type { Sql } from './sql.ts';

/** Number of hexadecimal digits of a sha256. */
const SUM_DIGITS = 64;

/** Every column that refers to a set. */
const REFERENCES = [
  ['campaigns', 'seed_set'],
  ['campaigns', 'suppression_set'],
  ['campaigns', 'negative_set'],
  ['installation', 'suppression_set'],
  ['expansions', 'seed_set'],
  ['expansions', 'suppression_set'],
  ['expansions', 'common_suppression_set'],
  ['expansions', 'positive_set'],
  ['expansions', 'dismissed_set'],
  ['expansions', 'negative_set'],
] as const;

/** The columns of `expansions` that refer to sets. */
export const EXPANSION_SETS = REFERENCES.flatMap(([table, column]) => (table === 'expansions' ? [column] : []));

/** The condition for rows of `user_sets` that no other row refers to. */
const IS_UNUSED = REFERENCES.map(
  ([table, column]) => `NOT EXISTS (SELECT 1 FROM ${table} WHERE ${column} = user_sets.sha256)`,
).join(' AND ');

/** SQL for the sha256 of a set, which is the beginning of its name. Equal sets have different names. */
export function sumOf(column: string): string {
  return `substr(${column}, 1, ${SUM_DIGITS})`;
}

/** The table of each kind of owner, its key, and its columns for the set and the counts. */
const OWNED = {
  seeds: { table: 'campaigns', key: 'number', set: 'seed_set', counts: 'seed_counts' },
  negatives: { table: 'campaigns', key: 'number', set: 'negative_set', counts: 'negative_counts' },
  suppression: { table: 'campaigns', key: 'number', set: 'suppression_set', counts: 'suppression_counts' },
  common_suppression: { table: 'installation', key: 'id', set: 'suppression_set', counts: 'suppression_counts' },
} as const;

/** The JSON in count columns. */
export type StoredCounts = SeedCounts &
  Pick<OwnedSet, 'createdAt' | 'updatedAt'> & {
    /** Absent if all ids have weight 1. */
    readonly weights?: WeightSummary;
    /** Absent if none was given. */
    readonly consentBasis?: ConsentBasis;
  };

/** The counts without their times. */
export function toCounts({ received, known, unknown, outside, duplicate, unknownExamples }: StoredCounts): SeedCounts {
  return { received, known, unknown, ...(outside && { outside }), duplicate, unknownExamples };
}

/** The value of a column of counts. */
export function encodeCounts({ counts, weights, consentBasis, createdAt, updatedAt }: Omit<OwnedSet, 'name'>): Json {
  return toJson({
    ...counts,
    createdAt,
    updatedAt,
    ...(weights && { weights }),
    ...(consentBasis && { consentBasis }),
  });
}

/**
 * The owner's set; null if the owner has none.
 * @throws AppError campaign_not_found, database_damaged
 */
export async function readOwnedSet(sql: Sql, owner: SetOwner): Promise<OwnedSet | null> {
  const { table, key, set, counts } = OWNED[owner.kind];
  const { where, bound } = rowOf(owner);
  const row = await sql.get<{ readonly key: number; readonly name: string | null; readonly counts: string }>(
    `SELECT ${key} AS key, ${set} AS name, ${counts} AS counts FROM ${table} WHERE ${where}`,
    bound,
  );
  if (row === undefined) throw notFound(owner);
  if (row.name === null) return null;
  await refuseDamaged(sql, [[table, { [key]: row.key }]]);
  const stored = readJson<StoredCounts>(row.counts, counts);
  const { weights = null, consentBasis = null, createdAt, updatedAt } = stored;
  return { name: row.name, counts: toCounts(stored), weights, consentBasis, createdAt, updatedAt };
}

/**
 * Assigns a recorded set to the owner, or removes the owner's set, in the caller's transaction.
 * @throws AppError campaign_not_found
 */
export async function assignSet(sql: Sql, owner: SetOwner, owned: OwnedSet | null, now: number): Promise<void> {
  const { table, set, counts } = OWNED[owner.kind];
  const { where, bound } = rowOf(owner);
  const touched = owner.kind === 'common_suppression' ? '' : ', updated_at = @now';
  const changed = await sql.run(`UPDATE ${table} SET ${set} = @name, ${counts} = @counts${touched} WHERE ${where}`, {
    ...bound,
    name: owned?.name ?? null,
    counts: owned && encodeCounts(owned),
    now,
  });
  if (changed === 0) throw notFound(owner);
}

/** A published set. The column `sha256` of its row contains its name, which begins with the sha256. */
export interface NamedSet {
  readonly name: string;
  readonly users: number;
  readonly sizeBytes: number;
  /** As in `files/set-filter.ts`. */
  readonly filter: string;
  /** Null if all ids have weight 1. The owner stores the summary with its counts. */
  readonly weights: WeightSummary | null;
}

/** Inserts the row of a set in the caller's transaction. Returns whether it had no row yet. */
export async function insertSet(sql: Sql, { name, users, sizeBytes, filter }: NamedSet, now: number): Promise<boolean> {
  const inserted = await sql.run(
    `INSERT INTO user_sets (sha256, users, size_bytes, filter, created_at)
     VALUES (@name, @users, @sizeBytes, @filter, @now) ON CONFLICT DO NOTHING`,
    { name, users, sizeBytes, filter, now },
  );
  return inserted === 1;
}

/** Returns the names that have a row. */
export async function existingSets(sql: Sql, names: readonly string[]): Promise<string[]> {
  return namesOf(sql, `SELECT sha256 AS name FROM user_sets WHERE sha256 ${sql.dialect.isAnyOf('names', 'text')}`, {
    names,
  });
}

/** The names of all sets that a campaign and its expansions refer to. */
export async function setsOfCampaign(sql: Sql, campaign: number): Promise<string[]> {
  const selects = REFERENCES.filter(([table]) => table !== 'installation').map(
    ([table, column]) =>
      `SELECT ${column} AS name FROM ${table}
       WHERE ${table === 'campaigns' ? 'number' : 'campaign'} = @campaign AND ${column} IS NOT NULL`,
  );
  return namesOf(sql, selects.join(' UNION '), { campaign });
}

/** Deletes the rows of sets that no other row refers to. Returns their names. */
export function deleteUnusedRows(sql: Sql, names: readonly string[]): Promise<string[]> {
  return namesOf(
    sql,
    `DELETE FROM user_sets WHERE sha256 ${sql.dialect.isAnyOf('names', 'text')} AND ${IS_UNUSED}
     RETURNING sha256 AS name`,
    { names },
  );
}

/** Deletes a row that no other row refers to. */
export async function deleteSet(sql: Sql, name: string): Promise<void> {
  await sql.run('DELETE FROM user_sets WHERE sha256 = @name', { name });
}

/** The names of all sets. */
export function setNames(sql: Sql): Promise<string[]> {
  return namesOf(sql, 'SELECT sha256 AS name FROM user_sets');
}

/** Number of filters read at a time. */
const READ_FILTERS = 500;

/** The names of sets that, according to their filters, may contain one of the users. Other work can run in between. */
export async function setsThatMayHave(sql: Sql, userIds: readonly string[]): Promise<string[]> {
  const users = userIds.map(hashUser);
  const found = new Set<string>();
  const select = `
    SELECT s.sha256 AS name, value AS hash, ${blockOf('s.filter', 's.users', 'value')} AS block
    FROM (SELECT * FROM user_sets WHERE sha256 > @after ORDER BY sha256 LIMIT ${READ_FILTERS}) s
    CROSS JOIN ${sql.dialect.rowsOf('hashes', 'bigint')} ORDER BY s.sha256`;
  for (let after = ''; ; await setImmediate()) {
    const rows = await sql.all<{ readonly name: string; readonly hash: number; readonly block: string }>(select, {
      after,
      hashes: users.map(([hash]) => hash),
    });
    if (rows.length === 0) return [...found];
    for (const { name, hash, block } of rows)
      if (users.some((user) => user[0] === hash && mayHave(block, user))) found.add(name);
    after = rows.at(-1)!.name;
  }
}

async function namesOf(sql: Sql, text: string, bound?: Parameters<Sql['all']>[1]): Promise<string[]> {
  return (await sql.all<{ readonly name: string }>(text, bound)).map(({ name }) => name);
}

/**
 * Replaces the set `before` with the recorded set `after` in every column that refers to `before`. The users in
 * `erased`, `erasedRows` of them with features, are missing from the new set and are removed from the counts too. Runs
 * in the caller's transaction. Returns false if nothing refers to `before` any more.
 */
export async function replaceSet(
  sql: Sql,
  before: string,
  after: Pick<NamedSet, 'name' | 'users' | 'weights'>,
  erased: ReadonlySet<string>,
  erasedRows: number,
): Promise<boolean> {
  for (const [kind, { table, key, set, counts }] of Object.entries(OWNED)) {
    const rows = await sql.all<{ readonly key: number; readonly stored: string }>(
      `SELECT ${key} AS key, ${counts} AS stored FROM ${table} WHERE ${set} = @before`,
      { before },
    );
    for (const row of rows) {
      if (kind === 'suppression') await eraseExpiries(sql, row.key, erased);
      if (kind === 'common_suppression') await eraseExpiries(sql, INSTALLATION, erased);
      const stored = readJson<StoredCounts>(row.stored, counts);
      await sql.run(`UPDATE ${table} SET ${counts} = @counts WHERE ${key} = @key`, {
        key: row.key,
        counts: encodeCounts({
          ...stored,
          consentBasis: stored.consentBasis ?? null,
          weights: after.weights,
          counts: countsWithout(stored, erased, erasedRows),
        }),
      });
    }
  }
  await eraseFromExpansions(sql, before, erased, erasedRows);
  for (const [column, set] of [
    ['positives', 'positive_set'],
    ['dismissed', 'dismissed_set'],
    ['negatives', 'negative_set'],
  ])
    await sql.run(`UPDATE expansions SET ${column} = @users WHERE ${set} = @before`, { users: after.users, before });
  let changed = 0;
  for (const [table, column] of REFERENCES)
    changed += await sql.run(`UPDATE ${table} SET ${column} = @after WHERE ${column} = @before`, {
      after: after.name,
      before,
    });
  return changed > 0;
}

const SEEDS = {
  number: plain<number>('number'),
  received: plain<number>('seeds_received'),
  known: plain<number>('seeds_known'),
  unknown: plain<number>('seeds_unknown'),
  outside: plain<number>('seeds_outside'),
  duplicate: plain<number>('seeds_duplicate'),
  unknownExamples: json<string[]>('unknown_examples'),
};

async function eraseFromExpansions(
  sql: Sql,
  seedSet: string,
  erased: ReadonlySet<string>,
  erasedRows: number,
): Promise<void> {
  const rows = await sql.all<RowOf<typeof SEEDS>>(
    `SELECT ${selectList(SEEDS)} FROM expansions WHERE seed_set = @seedSet`,
    { seedSet },
  );
  for (const row of rows) {
    const { received, known, unknown, outside, unknownExamples } = countsWithout(
      readRow(SEEDS, row),
      erased,
      erasedRows,
    );
    await updateRow(sql, 'expansions', row.number, {
      seeds_received: received,
      seeds_known: known,
      seeds_unknown: unknown,
      seeds_outside: outside,
      unknown_examples: toJson(unknownExamples),
    });
  }
}

/** The condition of the owner's row. */
function rowOf(owner: SetOwner) {
  if (owner.kind === 'common_suppression') return { where: 'id = 1', bound: {} };
  return { where: 'id = @id', bound: { id: owner.campaignId } };
}

function notFound(owner: SetOwner): Error {
  return owner.kind === 'common_suppression'
    ? new Error('the installation has a row')
    : campaignNotFound(owner.campaignId);
}
