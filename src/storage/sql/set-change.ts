/** A change of an owner's set, and what is counted while the new set is written. */
import type { IdBlocks } from '../../domain/id-blocks.ts';
import type { CollectedIds } from '../../domain/ports/user-sets.ts';
import type { SeedCounts } from '../../domain/types.ts';
import type { Change, ChangeOptions, MatchedPopulation, Matches, OwnedSet, SetOwner } from '../../domain/user-sets.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import { differenceOf, unionOf } from '../files/algebra.ts';
import { MatchTally } from '../files/set-matches.ts';
import { readOwnedSet } from './set-rows.ts';
import type { Database, Transaction } from './sql.ts';

/** Maximum number of times that work starts over because others have changed the set it reads. */
const ATTEMPTS = 20;
const ATTEMPTS_FOR_FILES = 3;

export interface ChangeTask extends ChangeOptions {
  readonly owner: SetOwner;
  readonly how: Change;
  readonly collected: CollectedIds;
  readonly population: MatchedPopulation;
  readonly maximumUsers: number;
  /** Counts of the collected ids; null if these ids form the new set, which is counted while it is written. */
  readonly matches: Matches | null;
  /** Further writes in the transaction of the change. */
  readonly also?: (t: Transaction) => Promise<void>;
}

/**
 * Calls `work` with the owner's set. If `work` returns null, or misses a file because its set has just been replaced,
 * `work` is called again.
 * @throws AppError unavailable if the set changes too often; the errors of `work`
 */
export async function untilUnchanged<T extends object>(
  database: Database,
  owner: SetOwner,
  work: (owned: OwnedSet | null) => Promise<T | null>,
): Promise<T> {
  const read = () => readOwnedSet(database, owner);
  let missing: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const owned = await read();
    try {
      const done = await work(owned);
      if (done !== null) return done;
    } catch (error) {
      if (!isMissing(error)) throw error;
      // if the set was not replaced, a missing file is lost
      if (attempt >= ATTEMPTS_FOR_FILES && (await read())?.name === owned?.name) throw error;
      missing = error;
    }
  }
  throw new AppError('unavailable', 'other requests keep changing the user set', { cause: missing });
}

/** Creates the tally that counts the new set while it is written. */
export function tallyFor({ how, population, maximumUsers, onUnknown, maximumRows }: ChangeTask): MatchTally {
  return new MatchTally(population, maximumUsers, {
    ...(maximumRows !== undefined && { maximumRows }),
    ...(how === 'replace' && onUnknown && { onUnknown }),
  });
}

/** Counts of the sent ids, available once the new set has been counted. */
export function sentOf({ collected, matches }: ChangeTask, tally: MatchTally): SeedCounts {
  const counted = matches ?? tally.matches();
  const { received } = collected;
  return { ...counted, received, duplicate: received - usersIn(counted) };
}

export function usersIn({ known, unknown, outside = 0 }: Matches): number {
  return known + unknown + outside;
}

/** Blocks of the resulting set. */
export function combine(how: Change, before: IdBlocks, collected: IdBlocks): IdBlocks {
  if (how === 'replace') return collected;
  return how === 'add' ? unionOf(before, collected) : differenceOf(before, collected);
}
