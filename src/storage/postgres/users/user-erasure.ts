/**
 * Implements the erasure port with Postgres: sets without the users are published, one transaction replaces all
 * references to the old sets, and then the old files are removed. Any process can carry out the requests of another.
 */

import type { PendingAction } from '../../../domain/audit.ts';
import type { ErasedData, UserErasure } from '../../../domain/ports/user-erasure.ts';
import { isMissing } from '../../../lib/errors.ts';
import { inParallel } from '../../../lib/limited.ts';
import { differenceOf } from '../../files/algebra.ts';
import { findIds } from '../../files/find-ids.ts';
import { openUserSet } from '../../files/set-file.ts';
import type { PostgresAuditLog } from '../audit-log.ts';
import type { Connection } from '../connection.ts';
import { insert } from '../database/columns.ts';
import { eraseFromAnswers } from '../idempotency.ts';
import type { PostgresFeedback } from './feedback.ts';
import { type SetFiles, withSets } from './set-files.ts';
import { type NamedSet, replaceSet, setNames } from './set-rows.ts';

/** Number of ids whose feedback is erased per transaction. */
const SLICE_IDS = 1_000;
/** Maximum number of sets that are read and written at one time; each has two open files. */
const SETS_AT_ONCE = 4;
/** Number of erasure requests deleted per statement. */
const FORGOTTEN_IDS = 10_000;

/** Its dependencies. */
interface Parts {
  readonly feedback: PostgresFeedback;
  readonly files: SetFiles;
  readonly audit: PostgresAuditLog;
}

/** A published set that replaces another, and the users whom it lacks. */
interface Replacement {
  readonly before: string;
  readonly erased: readonly string[];
  readonly after: NamedSet;
}

/** The sets that were searched, by name; null for a set that has none of the users. */
type Searched = Map<string, Replacement | null>;

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
    const searched: Searched = new Map();
    try {
      for (;;) {
        await this.#search(searched, userIds);
        const erased = await this.#replace(searched, userIds, feedback);
        if (erased !== null) return erased;
      }
    } catch (error) {
      for (const replacement of searched.values())
        if (replacement !== null) await this.#parts.files.removeUnnamed(replacement.after.name);
      throw error;
    }
  }

  /** Searches the sets that were not searched yet, and publishes those that replace them. */
  async #search(searched: Searched, userIds: readonly string[]): Promise<void> {
    const names = (await setNames(this.#connection.database)).filter((name) => !searched.has(name));
    await inParallel(names, SETS_AT_ONCE, async (name) => {
      searched.set(name, await this.#replacementOf(name, userIds));
    });
  }

  /** Publishes a set without the users; null if it has none of them, or if it is already gone. */
  async #replacementOf(before: string, userIds: readonly string[]): Promise<Replacement | null> {
    const { blobs } = this.#connection;
    const { files } = this.#parts;
    try {
      const erased = await findIds(await openUserSet(blobs, before), before, userIds);
      if (erased.length === 0) return null;
      const after = await withSets(blobs, [before], ([ids]) => files.write(differenceOf(ids!, [erased])));
      try {
        await after.publish();
      } finally {
        after.discard();
      }
      return { before, erased, after };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Replaces the sets in one transaction; returns null if there is a set that was not searched. */
  #replace(searched: Searched, userIds: readonly string[], feedback: number): Promise<ErasedData | null> {
    const { database, options } = this.#connection;
    // no expansion may copy a reference to one of the sets meanwhile
    return database.write(async (transaction) => {
      if ((await setNames(transaction)).some((name) => !searched.has(name))) return null;
      const now = options.clock.now();
      let sets = 0;
      for (const replacement of searched.values()) {
        if (replacement === null) continue;
        const { before, erased, after } = replacement;
        await this.#parts.files.record(transaction, after, now);
        if (await replaceSet(transaction, before, after, new Set(erased))) sets += 1;
      }
      const ids = new Set(userIds);
      const data = { users: ids.size, sets, feedback, answers: await eraseFromAnswers(transaction, ids) };
      await insert(transaction, 'erasures', { ...data, erased_at: now });
      return data;
    }, 'alone');
  }
}
