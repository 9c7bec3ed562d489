/** Columns that refer to user sets, and the JSON in their columns of counts. These are the same in each SQL dialect. */
import type { SeedCounts } from '../../domain/types.ts';
import type { OwnedSet, SetOwner } from '../../domain/user-sets.ts';

/** Number of hexadecimal digits of a sha256. */
const SUM_DIGITS = 64;

/** Every column that refers to a set. */
export const REFERENCES = [
  ['campaigns', 'seed_set'],
  ['campaigns', 'suppression_set'],
  ['installation', 'suppression_set'],
  ['expansions', 'seed_set'],
  ['expansions', 'suppression_set'],
  ['expansions', 'common_suppression_set'],
  ['expansions', 'positive_set'],
  ['expansions', 'dismissed_set'],
] as const;

/** Columns that refer to sets, each with its table, its column of counts, and the table's key. */
export const COUNTED_SETS = [
  ['campaigns', 'seed_set', 'seed_counts', 'number'],
  ['campaigns', 'suppression_set', 'suppression_counts', 'number'],
  ['installation', 'suppression_set', 'suppression_counts', 'id'],
] as const;

/** The condition for rows of `user_sets` to which no other row refers. */
export const IS_UNUSED = REFERENCES.map(
  ([table, column]) => `NOT EXISTS (SELECT 1 FROM ${table} WHERE ${column} = user_sets.sha256)`,
).join(' AND ');

/** The sha256 of a set, with which its name begins. Equal sets may have different names. */
export function sumOf(column: string): string {
  return `substr(${column}, 1, ${SUM_DIGITS})`;
}

/** The columns of an owner's set. */
export function placeOf(owner: SetOwner) {
  if (owner.kind === 'common_suppression') {
    const columns = { set: 'suppression_set', counts: 'suppression_counts' };
    return { table: 'installation', ...columns, where: 'id = 1', parameters: {} };
  }
  const prefix = owner.kind === 'seeds' ? 'seed' : 'suppression';
  const columns = { set: `${prefix}_set`, counts: `${prefix}_counts` };
  return { table: 'campaigns', ...columns, where: 'id = @id', parameters: { id: owner.campaignId } };
}

/** The JSON in columns of counts; rows written by an earlier version lack the times. */
export type StoredCounts = SeedCounts & Partial<Pick<OwnedSet, 'createdAt' | 'updatedAt'>>;

export function toStoredCounts({ counts, createdAt, updatedAt }: Omit<OwnedSet, 'name'>): StoredCounts {
  return { ...counts, createdAt, updatedAt };
}

/** The counts without their times. */
export function toCounts({ received, known, unknown, duplicate, unknownExamples }: StoredCounts): SeedCounts {
  return { received, known, unknown, duplicate, unknownExamples };
}

/** The owner's set, as it is stored. `recordedAt` is the time of the set's row. */
export function toOwnedSet(name: string, stored: StoredCounts, recordedAt: number): OwnedSet {
  const { createdAt = recordedAt, updatedAt = recordedAt } = stored;
  return { name, counts: toCounts(stored), createdAt, updatedAt };
}
