/** Rows of user sets: the owner of each file, and unused files. */

import { campaignNotFound } from '../../domain/not-found.ts';
import type { SeedCounts } from '../../domain/types.ts';
import { countsWithout, type OwnedSet, type SetOwner } from '../../domain/user-sets.ts';
import type { WrittenSet } from '../files/writer.ts';
import {
  COUNTED_SETS,
  IS_UNUSED,
  placeOf,
  REFERENCES,
  type StoredCounts,
  toOwnedSet,
  toStoredCounts,
} from '../rows/user-sets.ts';
import { updateRow } from './database/columns.ts';
import { deleting, type RowReference, refuseDamaged } from './database/damaged-rows.ts';
import type { Database } from './database/database.ts';

/** Publishes a written set and inserts its row, inside the caller's transaction. */
export function recordSet(database: Database, set: WrittenSet<void>, now: number): void {
  set.publish();
  database
    .prepare(
      `INSERT INTO user_sets (sha256, users, size_bytes, created_at) VALUES (@sha256, @users, @sizeBytes, @now)
       ON CONFLICT DO NOTHING`,
    )
    .run({ sha256: set.sha256, users: set.users, sizeBytes: set.sizeBytes, now });
}

/**
 * The owner's set; null if the owner has none.
 * @throws AppError campaign_not_found
 */
export function readOwnedSet(database: Database, owner: SetOwner): OwnedSet | null {
  const { table, set, counts, where, parameters } = placeOf(owner);
  const row = database
    .prepare(
      `SELECT o.${set} AS sha256, o.${counts} AS counts, s.created_at AS createdAt
       FROM ${table} o LEFT JOIN user_sets s ON s.sha256 = o.${set} WHERE o.${where}`,
    )
    .get(parameters) as { sha256: string | null; counts: string; createdAt: number } | undefined;
  if (row === undefined) throw notFound(owner);
  if (row.sha256 === null) return null;
  refuseDamaged(database, [rowOf(database, owner)]);
  return toOwnedSet(row.sha256, JSON.parse(row.counts) as StoredCounts, row.createdAt);
}

/**
 * Assigns a recorded set to the owner, or removes the owner's set, inside the caller's transaction.
 * @throws AppError campaign_not_found
 */
export function assignSet(database: Database, owner: SetOwner, owned: OwnedSet | null, now: number): void {
  const { table, set, counts, where, parameters } = placeOf(owner);
  const touched = owner.kind === 'common_suppression' ? '' : ', updated_at = @now';
  const { changes } = database
    .prepare(`UPDATE ${table} SET ${set} = @sha256, ${counts} = @counts${touched} WHERE ${where}`)
    .run({ sha256: owned?.name ?? null, counts: owned && encodeCounts(owned), now, ...parameters });
  if (changes === 0) throw notFound(owner);
}

/** The JSON of a `counts` column. */
export function encodeCounts(owned: Omit<OwnedSet, 'name'>): string {
  return JSON.stringify(toStoredCounts(owned));
}

/**
 * Deletes the row of a set, or of all sets, unless other rows refer to the set. Returns the sha256 of each deleted row.
 * Runs inside the caller's transaction.
 */
export function deleteUnusedRows(database: Database, sha256: string | null = null): string[] {
  const only = sha256 === null ? '' : 'sha256 = @sha256 AND ';
  const statement = database.prepare(`DELETE FROM user_sets WHERE ${only}${IS_UNUSED} RETURNING sha256`).pluck();
  return deleting(database, 'user_sets', () => statement.all({ sha256 }) as string[]);
}

export function hasRow(database: Database, sha256: string): boolean {
  return database.prepare('SELECT 1 FROM user_sets WHERE sha256 = @sha256').get({ sha256 }) !== undefined;
}

/** The sha256 hash of every set. */
export function setNames(database: Database): string[] {
  return database.prepare('SELECT sha256 FROM user_sets').pluck().all() as string[];
}

/**
 * Replaces the set `before` with the set `after` in every column that refers to `before`. The new set lacks the users
 * in `erased`, who are removed from the counts too. Runs inside the caller's transaction.
 */
export function replaceSet(
  database: Database,
  before: string,
  after: WrittenSet<void>,
  erased: ReadonlySet<string>,
  now: number,
): void {
  recordSet(database, after, now);
  const names = { before, after: after.sha256, users: after.users };
  for (const [table, set, counts, key] of COUNTED_SETS) {
    const rows = database.prepare(`SELECT ${key} AS key, ${counts} AS counts FROM ${table} WHERE ${set} = @before`);
    const update = database.prepare(`UPDATE ${table} SET ${counts} = @counts WHERE ${key} = @key`);
    for (const { key, counts } of rows.all({ before }) as { key: number; counts: string }[]) {
      const stored = JSON.parse(counts) as StoredCounts;
      update.run({ key, counts: JSON.stringify({ ...stored, ...countsWithout(stored, erased) }) });
    }
  }
  eraseFromExpansions(database, before, erased);
  for (const kind of ['positive', 'dismissed'] as const)
    database
      .prepare(`UPDATE expansions SET ${kind === 'positive' ? 'positives' : kind} = @users WHERE ${kind}_set = @before`)
      .run(names);
  for (const [table, column] of REFERENCES)
    database.prepare(`UPDATE ${table} SET ${column} = @after WHERE ${column} = @before`).run(names);
}

function eraseFromExpansions(database: Database, seedSet: string, erased: ReadonlySet<string>): void {
  const rows = database
    .prepare(
      `SELECT number, seeds_received AS received, seeds_known AS known, seeds_unknown AS unknown,
         seeds_duplicate AS duplicate, unknown_examples AS examples
       FROM expansions WHERE seed_set = @seedSet`,
    )
    .all({ seedSet }) as (Omit<SeedCounts, 'unknownExamples'> & { number: number; examples: string })[];
  for (const { number, examples, ...counts } of rows) {
    const { received, known, unknown, unknownExamples } = countsWithout(
      { ...counts, unknownExamples: JSON.parse(examples) as string[] },
      erased,
    );
    updateRow(database, 'expansions', number, {
      seeds_received: received,
      seeds_known: known,
      seeds_unknown: unknown,
      unknown_examples: JSON.stringify(unknownExamples),
    });
  }
}

function rowOf(database: Database, owner: SetOwner): RowReference {
  if (owner.kind === 'common_suppression') return ['installation', { id: 1 }];
  const find = database.prepare('SELECT number FROM campaigns WHERE id = @id').pluck();
  return ['campaigns', { number: find.get({ id: owner.campaignId }) as number }];
}

function notFound(owner: SetOwner): Error {
  return owner.kind === 'common_suppression'
    ? new Error('the installation has a row')
    : campaignNotFound(owner.campaignId);
}
