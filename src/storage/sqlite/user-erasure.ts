/**
 * Implements the erasure port with SQLite: sets are rewritten, one transaction replaces all references to the old sets,
 * and then the old files are removed.
 */

import { setImmediate } from 'node:timers/promises';
import type { PendingAction } from '../../domain/audit.ts';
import type { ErasedData, UserErasure } from '../../domain/ports/user-erasure.ts';
import { isMissing } from '../../lib/errors.ts';
import { differenceOf } from '../files/algebra.ts';
import { findIds } from '../files/find-ids.ts';
import { openUserSet, userSetBlocks } from '../files/set-file.ts';
import { type WrittenSet, writeBlocks } from '../files/writer.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import type { Connection } from './connection.ts';
import { insertRow } from './database/columns.ts';
import { truncateLog } from './database/database.ts';
import { freeing, writeToFree } from './database/reserve.ts';
import type { SqliteFeedback } from './feedback.ts';
import { eraseFromAnswers } from './idempotency.ts';
import type { Synchronous } from './promised.ts';
import { replaceSet, setNames } from './set-rows.ts';
import type { SqliteUserSets } from './user-sets.ts';

/** Number of ids whose feedback is erased per transaction. */
const SLICE_IDS = 250;
/** Number of erasure requests deleted per transaction. */
const FORGOTTEN_IDS = 2_500;

/** Its dependencies. */
interface Parts {
  readonly feedback: SqliteFeedback;
  readonly userSets: SqliteUserSets;
  readonly audit: SqliteAuditLog;
}

/** A set without the erased users, which replaces a set that contains them. */
interface Replacement {
  readonly before: string;
  readonly after: WrittenSet<void>;
  readonly erased: ReadonlySet<string>;
}

export class SqliteUserErasure implements Synchronous<UserErasure> {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  requestErasure(userIds: readonly string[], actions: readonly PendingAction[] = []): void {
    const { database } = this.#connection;
    const insert = database.prepare('INSERT OR IGNORE INTO erasure_requests (user_id) VALUES (@userId)');
    const { audit } = this.#parts;
    const entered = writeToFree(database, () => {
      for (const userId of userIds) insert.run({ userId });
      return actions.filter((action) => audit.enter(action));
    });
    for (const action of entered) action.isRecorded = true;
  }

  requestedErasures(limit: number): string[] {
    return this.#connection.database
      .prepare('SELECT user_id FROM erasure_requests ORDER BY user_id LIMIT @limit')
      .pluck()
      .all({ limit }) as string[];
  }

  eraseUsers(userIds: readonly string[]): Promise<ErasedData> {
    const sorted = [...new Set(userIds)].sort();
    // no set may be made from feedback until the erasure has ended, because such a set would contain the users again
    return this.#parts.feedback.alone(async () => {
      const feedback = await this.#eraseFeedback(sorted);
      const erased = await this.#eraseElsewhere(sorted, feedback);
      this.#parts.userSets.removeAllUnused();
      // after the files, because whoever finds a request completes the erasure
      await this.#forget(sorted);
      // the write-ahead log still contains the ids
      freeing(this.#connection.database, () => truncateLog(this.#connection.database));
      return erased;
    });
  }

  async #eraseFeedback(userIds: readonly string[]): Promise<number> {
    const { feedback } = this.#parts;
    let erased = 0;
    for (let at = 0; at < userIds.length; at += SLICE_IDS) {
      erased += feedback.erase(userIds.slice(at, at + SLICE_IDS));
      await setImmediate();
    }
    return erased;
  }

  /**
   * Deletes the erasure requests. If the process ends earlier, the requests are carried out again, which changes
   * nothing.
   */
  async #forget(userIds: readonly string[]): Promise<void> {
    const { database } = this.#connection;
    const remove = database.prepare(
      'DELETE FROM erasure_requests WHERE user_id IN (SELECT value FROM json_each(@ids))',
    );
    for (let at = 0; at < userIds.length; at += FORGOTTEN_IDS) {
      const ids = JSON.stringify(userIds.slice(at, at + FORGOTTEN_IDS));
      writeToFree(database, () => remove.run({ ids }));
      await setImmediate();
    }
  }

  /**
   * Erases users from sets, counts and stored responses; repeats the erasure if a set with such a user was made in the
   * meantime.
   */
  async #eraseElsewhere(userIds: readonly string[], feedback: number): Promise<ErasedData> {
    const { database, options } = this.#connection;
    const ids: ReadonlySet<string> = new Set(userIds);
    const searched = new Set<string>();
    const replacements: Replacement[] = [];
    try {
      for (;;) {
        for (const sha256 of setNames(database)) {
          if (searched.has(sha256)) continue;
          searched.add(sha256);
          const replacement = await this.#replacementOf(sha256, userIds);
          if (replacement !== null) replacements.push(replacement);
        }
        const erased = writeToFree(database, () => {
          if (setNames(database).some((sha256) => !searched.has(sha256))) return null;
          const now = options.clock.now();
          for (const { before, after, erased } of replacements) replaceSet(database, before, after, erased, now);
          const answers = eraseFromAnswers(database, ids);
          const data = { users: ids.size, sets: replacements.length, feedback, answers };
          insertRow(database, 'erasures', { ...data, erased_at: now });
          return data;
        });
        if (erased !== null) return erased;
      }
    } finally {
      for (const { after } of replacements) after.discard();
    }
  }

  /** The replacement of a set; null if the set contains none of the users, or is already gone. */
  async #replacementOf(sha256: string, userIds: readonly string[]): Promise<Replacement | null> {
    const { blobs, reserve } = this.#connection;
    try {
      const erased = await findIds(openUserSet(blobs, sha256), sha256, userIds);
      if (erased.length === 0) return null;
      const after = await reserve.using(() => writeBlocks(blobs, differenceOf(userSetBlocks(blobs, sha256), [erased])));
      return { before: sha256, after, erased: new Set(erased) };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}
