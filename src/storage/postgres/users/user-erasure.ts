/**
 * Implements the erasure port with Postgres: sets are rewritten, and then one transaction replaces all references to
 * the old sets. Any process can carry out the requests of another.
 */
import type { PendingAction } from '../../../domain/audit.ts';
import type { ErasedData, UserErasure } from '../../../domain/ports/user-erasure.ts';
import { differenceOf } from '../../files/algebra.ts';
import { findIds } from '../../files/find-ids.ts';
import { openUserSet } from '../../files/set-file.ts';
import type { PostgresAuditLog } from '../audit-log.ts';
import type { Connection } from '../connection.ts';
import { insert } from '../database/columns.ts';
import { eraseFromAnswers } from '../idempotency.ts';
import type { PostgresFeedback } from './feedback.ts';
import { isMissing, type NewSet, type SetFiles, withSets } from './set-files.ts';
import { replaceSet, setNames } from './set-rows.ts';

/** Number of ids whose feedback is erased per transaction. */
const SLICE_IDS = 1_000;
/** Number of erasure requests deleted per statement. */
const FORGOTTEN_IDS = 10_000;

/** Its dependencies. */
interface Parts {
  readonly feedback: PostgresFeedback;
  readonly files: SetFiles;
  readonly audit: PostgresAuditLog;
}

/** The users to erase who are in a set. */
interface Found {
  readonly before: string;
  readonly erased: readonly string[];
}

export class PostgresUserErasure implements UserErasure {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  async requestErasure(userIds: readonly string[], actions: readonly PendingAction[] = []): Promise<void> {
    const { audit } = this.#parts;
    const entered = await this.#connection.database.write(async (transaction) => {
      await transaction.run(
        'INSERT INTO erasure_requests (user_id) SELECT * FROM unnest(@userIds::text[]) ON CONFLICT DO NOTHING',
        { userIds: [...new Set(userIds)].sort() },
      );
      const entered: PendingAction[] = [];
      for (const action of actions) if (await audit.enter(transaction, action)) entered.push(action);
      return entered;
    });
    for (const action of entered) action.isRecorded = true;
  }

  async requestedErasures(limit: number): Promise<string[]> {
    const rows = await this.#connection.database.all<{ readonly userId: string }>(
      'SELECT user_id AS "userId" FROM erasure_requests ORDER BY user_id LIMIT @limit',
      { limit },
    );
    return rows.map(({ userId }) => userId);
  }

  async eraseUsers(userIds: readonly string[]): Promise<ErasedData> {
    const sorted = [...new Set(userIds)].sort();
    let feedback = 0;
    for (let at = 0; at < sorted.length; at += SLICE_IDS)
      feedback += await this.#parts.feedback.erase(sorted.slice(at, at + SLICE_IDS));
    const erased = await this.#eraseElsewhere(sorted, feedback);
    await this.#parts.files.removeAllUnused();
    // last, because whoever finds a request completes the erasure
    await this.#forget(sorted);
    return erased;
  }

  /**
   * Deletes the erasure requests. If the process ends earlier, the requests are carried out again, which changes
   * nothing.
   */
  async #forget(userIds: readonly string[]): Promise<void> {
    for (let at = 0; at < userIds.length; at += FORGOTTEN_IDS)
      await this.#connection.database.run('DELETE FROM erasure_requests WHERE user_id = ANY(@ids::text[])', {
        ids: userIds.slice(at, at + FORGOTTEN_IDS),
      });
  }

  /**
   * Erases users from sets, counts and stored responses; repeats the erasure if a set with such a user was made in the
   * meantime, by any process.
   */
  async #eraseElsewhere(userIds: readonly string[], feedback: number): Promise<ErasedData> {
    const searched = new Map<string, Found | null>();
    for (;;) {
      await this.#search(searched, userIds);
      const found = [...searched.values()].filter((one) => one !== null);
      const erased = await this.#parts.files
        .keep(
          () => this.#writeWithout(found),
          async (sets) => {
            // repeated after new sets were searched; all is written anew only if one of them has such a user
            for (;;) {
              const erased = await this.#replace(found, sets, { userIds, searched, feedback });
              if (erased !== null || (await this.#search(searched, userIds))) return erased;
            }
          },
        )
        .catch((error) => {
          if (!isMissing(error)) throw error;
          // another process has replaced one of the sets
          searched.clear();
          return null;
        });
      if (erased !== null) return erased;
    }
  }

  /** Searches the sets that were not searched yet; returns whether one of them has a user to erase. */
  async #search(searched: Map<string, Found | null>, userIds: readonly string[]): Promise<boolean> {
    let isFound = false;
    for (const sha256 of await setNames(this.#connection.database)) {
      if (searched.has(sha256)) continue;
      const found = await this.#find(sha256, userIds);
      searched.set(sha256, found);
      isFound ||= found !== null;
    }
    return isFound;
  }

  /** Writes each set without the users that it must lose. */
  async #writeWithout(found: readonly Found[]): Promise<Record<string, NewSet>> {
    const { blobs } = this.#connection;
    const { files } = this.#parts;
    const sets: Record<string, NewSet> = {};
    try {
      for (const { before, erased } of found)
        sets[before] = await withSets(blobs, [before], ([ids]) => files.write(differenceOf(ids!, [erased])));
      return sets;
    } catch (error) {
      for (const set of Object.values(sets)) set.discard();
      throw error;
    }
  }

  /** Replaces the sets in one transaction; returns null if there is a set that was not searched. */
  async #replace(
    found: readonly Found[],
    sets: Readonly<Record<string, NewSet>>,
    facts: {
      readonly userIds: readonly string[];
      readonly searched: ReadonlyMap<string, unknown>;
      readonly feedback: number;
    },
  ): Promise<ErasedData | null> {
    const { database, options } = this.#connection;
    // no expansion may copy a reference to one of the sets meanwhile
    return database.write(async (transaction) => {
      if ((await setNames(transaction)).some((sha256) => !facts.searched.has(sha256))) return null;
      const now = options.clock.now();
      let replaced = 0;
      for (const { before, erased } of found) {
        await this.#parts.files.record(transaction, sets[before]!, now);
        if (await replaceSet(transaction, before, sets[before]!, new Set(erased))) replaced += 1;
      }
      const ids = new Set(facts.userIds);
      const answers = await eraseFromAnswers(transaction, ids);
      const data = { users: ids.size, sets: replaced, feedback: facts.feedback, answers };
      await insert(transaction, 'erasures', { ...data, erased_at: now });
      return data;
    }, 'alone');
  }

  /** The users who are in a set; null if there are none, or if the set is already gone. */
  async #find(sha256: string, userIds: readonly string[]): Promise<Found | null> {
    try {
      const erased = await findIds(await openUserSet(this.#connection.blobs, sha256), sha256, userIds);
      return erased.length === 0 ? null : { before: sha256, erased };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}
