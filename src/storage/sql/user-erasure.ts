/**
 * Erases users: publishes sets without these users, replaces all references to the old sets in one transaction, and
 * then removes the old files. Any process can carry out the requests of another.
 */
import { setImmediate } from 'node:timers/promises';
import type { PendingAction } from '../../domain/audit.ts';
import type { ErasedData, UserErasure } from '../../domain/ports/user-erasure.ts';
import { isMissing } from '../../lib/errors.ts';
import { inParallel } from '../../lib/limited.ts';
import { differenceOf, intersectionOf } from '../files/algebra.ts';
import type { AuditRepository } from './audit-log.ts';
import type { StoreFolder } from './cleanup.ts';
import { insert } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { FeedbackRepository } from './feedback.ts';
import { eraseFromAnswers } from './idempotency.ts';
import { deleteUnusedSets, type SetFiles, withSets } from './set-files.ts';
import { type NamedSet, replaceSet, setNames, setsThatMayHave } from './set-rows.ts';
import type { Transaction } from './sql.ts';
import type { UnusedBlobs } from './unused-blobs.ts';

/** Number of ids whose feedback is erased per transaction. */
const SLICE_IDS = 250;
/** Maximum number of sets that are rewritten at a time; each has two open files. */
const SETS_AT_ONCE = 4;
/** Maximum number of users for whom filters are used. With more users, nearly every set may contain one of them. */
const FILTERED_IDS = 64;
/** Number of erasure requests inserted or deleted per statement. */
const REQUESTED_IDS = 2_500;

interface ErasureRepositoryDependencies extends StoreDependencies {
  readonly feedback: FeedbackRepository;
  readonly setFiles: SetFiles;
  readonly unusedBlobs: UnusedBlobs;
  readonly audit: AuditRepository;
  readonly folder: StoreFolder | null;
}

/** A published set that replaces another, and the users it no longer contains, some of them with features. */
interface Replacement {
  readonly before: string;
  readonly erased: readonly string[];
  readonly erasedRows: number;
  readonly after: NamedSet;
}

/** The replacements of the searched sets, by name; null for a set that contains none of the users. */
type Searched = Map<string, Replacement | null>;

export class ErasureRepository implements UserErasure {
  readonly #dependencies: ErasureRepositoryDependencies;

  constructor(dependencies: ErasureRepositoryDependencies) {
    this.#dependencies = dependencies;
  }

  async requestErasure(userIds: readonly string[], actions: readonly PendingAction[] = []): Promise<void> {
    const { audit, database } = this.#dependencies;
    const sorted = [...new Set(userIds)].sort();
    const request = async (t: Transaction) => {
      await inSlices(sorted, REQUESTED_IDS, (userIds) =>
        t.run(
          `INSERT INTO erasure_requests (user_id) SELECT value FROM ${t.dialect.rowsOf('userIds', 'text')} WHERE true
           ON CONFLICT DO NOTHING`,
          { userIds },
        ),
      );
      const entered: PendingAction[] = [];
      for (const action of actions) if (await audit.enter(t, action)) entered.push(action);
      return entered;
    };
    const entered = await database.freeing(() => database.write(request));
    for (const action of entered) action.isRecorded = true;
  }

  async requestedErasures(limit: number): Promise<string[]> {
    const rows = await this.#dependencies.database.all<{ readonly userId: string }>(
      'SELECT user_id AS "userId" FROM erasure_requests ORDER BY user_id LIMIT @limit',
      { limit },
    );
    return rows.map(({ userId }) => userId);
  }

  async eraseUsers(userIds: readonly string[]): Promise<ErasedData> {
    const { database, feedback, folder, unusedBlobs } = this.#dependencies;
    const sorted = [...new Set(userIds)].sort();
    let events = 0;
    await inSlices(sorted, SLICE_IDS, async (ids) => {
      events += await feedback.erase(ids);
    });
    const erased = await this.#eraseElsewhere(sorted, events);
    await unusedBlobs.removeSets();
    // last, because a process that finds a request completes the erasure
    await this.#forget(sorted);
    if (folder !== null) await database.freeing(() => folder.removeTraces());
    return erased;
  }

  /**
   * Deletes the erasure requests. If the process ends before that, the requests are carried out again, which has no
   * effect.
   */
  #forget(userIds: readonly string[]): Promise<void> {
    const { database } = this.#dependencies;
    const forget = `DELETE FROM erasure_requests WHERE user_id ${database.dialect.isAnyOf('ids', 'text')}`;
    return inSlices(userIds, REQUESTED_IDS, (ids) => database.freeing(() => database.run(forget, { ids })));
  }

  /**
   * Erases users from sets, counts and stored responses. Repeats this if any process has meanwhile created a set with
   * one of the users.
   */
  async #eraseElsewhere(userIds: readonly string[], feedback: number): Promise<ErasedData> {
    const { database, setFiles } = this.#dependencies;
    const searched: Searched = new Map();
    try {
      for (;;) {
        await this.#search(searched, userIds);
        const erased = await database.freeing(() => this.#replace(searched, userIds, feedback));
        if (erased !== null) return erased;
      }
    } catch (error) {
      for (const replacement of searched.values())
        if (replacement !== null) await setFiles.removeUnnamed(replacement.after.name);
      throw error;
    }
  }

  /** Searches the sets that were not searched yet, and publishes their replacements. */
  async #search(searched: Searched, userIds: readonly string[]): Promise<void> {
    const { database } = this.#dependencies;
    const names = (await setNames(database)).filter((name) => !searched.has(name));
    const isFiltered = userIds.length <= FILTERED_IDS;
    const candidates = new Set(isFiltered ? await setsThatMayHave(database, userIds) : names);
    await inParallel(names, SETS_AT_ONCE, async (name) => {
      searched.set(name, candidates.has(name) ? await this.#replacementOf(name, userIds) : null);
    });
  }

  /** Publishes a copy of a set without the users; null if it contains none of them or no longer exists. */
  async #replacementOf(before: string, userIds: readonly string[]): Promise<Replacement | null> {
    const { blobs, database, setFiles } = this.#dependencies;
    try {
      return await withSets(blobs, [before], async ([ids]) => {
        const erased: string[] = [];
        let erasedRows = 0;
        for (const block of intersectionOf([userIds], ids!)) {
          erased.push(...block);
          erasedRows += block.features?.filter((features) => features !== undefined).length ?? 0;
          await setImmediate();
        }
        if (erased.length === 0) return null;
        return database.freeing(async () => {
          const after = await setFiles.write(differenceOf(ids!, [erased]));
          try {
            await after.publish();
          } finally {
            after.discard();
          }
          return { before, erased, erasedRows, after };
        });
      });
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Replaces the sets in one transaction. Returns null if there is a set that was not searched. */
  #replace(searched: Searched, userIds: readonly string[], feedback: number): Promise<ErasedData | null> {
    const { database, options, setFiles } = this.#dependencies;
    // no expansion may copy a reference to one of the sets before the commit
    return database.write(async (t) => {
      if ((await setNames(t)).some((name) => !searched.has(name))) return null;
      const now = options.clock.now();
      const replacements = [...searched.values()].filter((replacement) => replacement !== null);
      let sets = 0;
      for (const { before, erased, erasedRows, after } of replacements) {
        await setFiles.record(t, after, now);
        if (await replaceSet(t, before, after, new Set(erased), erasedRows)) sets += 1;
      }
      // if another process has already replaced a set, the new set is unused too
      const names = replacements.flatMap(({ before, after }) => [before, after.name]);
      await deleteUnusedSets(t, names, now);
      const ids = new Set(userIds);
      const data = { users: ids.size, sets, feedback, answers: await eraseFromAnswers(t, ids) };
      await insert(t, 'erasures', { ...data, erased_at: now });
      return data;
    }, 'alone');
  }
}

/** Calls `work` with slices of the ids, one after another. Other work can run in between. */
async function inSlices(
  userIds: readonly string[],
  most: number,
  work: (slice: readonly string[]) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < userIds.length; at += most) {
    await work(userIds.slice(at, at + most));
    await setImmediate();
  }
}
