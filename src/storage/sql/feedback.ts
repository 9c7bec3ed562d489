/**
 * Stores feedback: the latest event of each user in a campaign. An upload locks its campaign, so counts are exact even
 * if several processes upload. In Postgres it is one transaction. In SQLite it may be several, so a kill may leave a
 * part of it, and the same upload then completes it. The sets for an expansion are read from one state of the database,
 * never in the middle of an upload.
 */
import { setImmediate } from 'node:timers/promises';
import type { PendingAction } from '../../domain/audit.ts';
import {
  FeedbackChange,
  type FeedbackCounts,
  type FeedbackEvent,
  type FeedbackReport,
  type LastEvent,
} from '../../domain/feedback.ts';
import { campaignNotFound } from '../../domain/not-found.ts';
import type { Feedback } from '../../domain/ports/feedback.ts';
import { BoundedQueue } from '../bounded-queue.ts';
import { IdSorter } from '../files/id-sorter.ts';
import type { AuditRepository } from './audit-log.ts';
import { getNumber } from './campaign-rows.ts';
import { eraseConversions } from './conversions.ts';
import type { StoreDependencies } from './dependencies.ts';
import { campaignsOfUsers, removeUnusedFeedback } from './feedback-removal.ts';
import { type NewSet, type SetFiles, WriteAgain } from './set-files.ts';
import type { Sql, Transaction } from './sql.ts';

/** Number of events written, and of rows read, at a time. Other work can run in between. */
const WRITTEN_EVENTS = 100;
const READ_ROWS = 4_096;
/** Number of ids per sorted run. */
const SORTED_IDS = 8_192;
/** Maximum number of uploads and snapshots in this process. One runs; the others wait. */
const MAXIMUM_WAITING = 32;

/** Sets of users by last event; null for a set without users. */
export interface FeedbackSets {
  /** Users who converted or clicked. */
  readonly positives: NewSet | null;
  readonly dismissed: NewSet | null;
  /**
   * Records the sets in the transaction of the expansion that uses them.
   * @throws WriteAgain, which `snapshot` handles
   */
  record(transaction: Transaction, now: number): Promise<void>;
}

export const NO_FEEDBACK: FeedbackSets = { positives: null, dismissed: null, record: async () => {} };

interface FeedbackRepositoryDependencies extends StoreDependencies {
  readonly audit: AuditRepository;
  readonly setFiles: SetFiles;
}

export class FeedbackRepository implements Feedback {
  readonly #dependencies: FeedbackRepositoryDependencies;
  /** Runs calls in order, which limits the number of concurrent transactions. */
  readonly #tasks = new BoundedQueue(
    MAXIMUM_WAITING,
    'feedback uploads, and expansions that use feedback, are running or waiting',
  );
  #removal: Promise<void> | null = null;

  constructor(dependencies: FeedbackRepositoryDependencies) {
    this.#dependencies = dependencies;
  }

  addFeedback(
    campaignId: string,
    events: readonly FeedbackEvent[],
    action: PendingAction | null = null,
  ): Promise<FeedbackReport> {
    const { audit, database } = this.#dependencies;
    const most = database.dialect.mostUploadedRows;
    // sorted by user, because neighbours share pages; each user's events stay in order
    const sorted = [...events].sort((a, b) => (a.userId < b.userId ? -1 : a.userId > b.userId ? 1 : 0));
    const slices = [sorted.slice(0, most)];
    for (let at = most; at < sorted.length; at += most) slices.push(sorted.slice(at, at + most));
    return this.#tasks.run(async () => {
      // requested at once, so that no other change comes between them, and a closing store waits for all of them
      const parts = await Promise.all(
        slices.map((some) => audit.with(action, (t) => take(t, campaignId, some), 'readCommitted')),
      );
      const taken = parts.reduce((sum, part) => sum + part.taken, 0);
      return { received: events.length, taken, outdated: events.length - taken, users: parts.at(-1)!.users };
    });
  }

  feedbackOf(campaignId: string): Promise<FeedbackCounts> {
    return readCounts(this.#dependencies.database, campaignId);
  }

  async respondersOf(campaignId: string, limit: number): Promise<readonly string[]> {
    const { database } = this.#dependencies;
    const rows = await database.all<{ readonly userId: string }>(
      `SELECT user_id AS "userId" FROM feedback WHERE campaign = @campaign AND event <> 'dismissal'
       ORDER BY user_id LIMIT @limit`,
      { campaign: await getNumber(database, campaignId), limit },
    );
    return rows.map(({ userId }) => userId);
  }

  /**
   * Calls `use` with the sets of a campaign's current feedback. `use` records them in its transaction, and may be
   * called again with other sets. Files that are not recorded are removed.
   * @throws AppError unavailable, storage_failed; the errors of `use`
   */
  snapshot<T>(campaign: number, use: (sets: FeedbackSets) => Promise<T>): Promise<T> {
    const { database, setFiles } = this.#dependencies;
    return this.#tasks.run(async () => {
      let erasures = 0;
      const write = async () => {
        erasures = await lastErasure(database);
        return this.#writeSets(campaign);
      };
      return setFiles.keep(write, (sets) =>
        use({
          ...sets,
          record: async (t, now) => {
            // users who were erased after the feedback was read must not reappear in these sets
            if ((await lastErasure(t)) !== erasures) throw new WriteAgain();
            for (const set of Object.values(sets)) if (set !== null) await setFiles.record(t, set, now);
          },
        }),
      );
    });
  }

  /** Removes the users' events and conversions in all campaigns in one transaction. Returns their number. */
  async erase(userIds: readonly string[]): Promise<number> {
    const { database } = this.#dependencies;
    const isAnyOf = database.dialect.isAnyOf('userIds', 'text');
    const erase = async (t: Transaction) => {
      let erased = await eraseConversions(t, userIds);
      for (const { campaign } of await campaignsOfUsers(t, 'feedback', userIds)) {
        await lock(t, campaign);
        const removed = await t.all<Pick<FeedbackEvent, 'event'>>(
          `DELETE FROM feedback WHERE campaign = @campaign AND user_id ${isAnyOf} RETURNING event`,
          { campaign, userIds },
        );
        const change = { conversion: 0, click: 0, dismissal: 0 };
        for (const { event } of removed) change[event] -= 1;
        await count(t, campaign, change);
        erased += removed.length;
      }
      return erased;
    };
    return database.freeing(() => database.write(erase, 'readCommitted'));
  }

  removeUnusedFeedback(): Promise<void> {
    this.#removal ??= removeUnusedFeedback(this.#dependencies.database).finally(() => {
      this.#removal = null;
    });
    return this.#removal;
  }

  /** Each set is read from one state, so it contains all of a concurrent upload or nothing of it. */
  async #writeSets(campaign: number): Promise<Pick<FeedbackSets, 'positives' | 'dismissed'>> {
    const { blobs, database, setFiles } = this.#dependencies;
    // databases sort ids by UTF-8 bytes, but sets are sorted by UTF-16 code units
    const positives = new IdSorter(blobs, SORTED_IDS);
    const dismissed = new IdSorter(blobs, SORTED_IDS);
    const write = (sorter: IdSorter) => (sorter.received === 0 ? null : setFiles.write(sorter.blocks()));
    try {
      await database.read(async (state) => {
        for await (const rows of feedbackBlocks(state, campaign)) {
          for (const { userId, event } of rows) (event === 'dismissal' ? dismissed : positives).add(userId);
          await setImmediate();
        }
      });
      const first = await write(positives);
      try {
        return { positives: first, dismissed: await write(dismissed) };
      } catch (error) {
        first?.discard();
        throw error;
      }
    } finally {
      positives.close();
      dismissed.close();
    }
  }
}

/** The latest event of each user, in blocks. */
export async function* feedbackBlocks(
  sql: Sql,
  campaign: number,
): AsyncGenerator<readonly Pick<FeedbackEvent, 'userId' | 'event'>[], void, void> {
  for (let after = ''; ; ) {
    const rows = await sql.all<Pick<FeedbackEvent, 'userId' | 'event'>>(
      `SELECT user_id AS "userId", event FROM feedback WHERE campaign = @campaign AND user_id > @after
       ORDER BY user_id LIMIT ${READ_ROWS}`,
      { campaign, after },
    );
    if (rows.length > 0) yield rows;
    if (rows.length < READ_ROWS) return;
    after = rows.at(-1)!.userId;
  }
}

/** Writes events, sorted by user, and updates the counts. */
async function take(
  t: Transaction,
  campaignId: string,
  events: readonly FeedbackEvent[],
): Promise<Pick<FeedbackReport, 'taken' | 'users'>> {
  const campaign = await getNumber(t, campaignId);
  if (!(await lock(t, campaign))) throw campaignNotFound(campaignId);
  const change = new FeedbackChange();
  for (let at = 0; at < events.length; at += WRITTEN_EVENTS) {
    await takeSome(t, campaign, events.slice(at, at + WRITTEN_EVENTS), change);
    await setImmediate();
  }
  await count(t, campaign, change.counts);
  return { taken: change.taken, users: await readCounts(t, campaignId) };
}

/** Writes some events of an upload, and adds them to `change`. */
async function takeSome(
  t: Transaction,
  campaign: number,
  events: readonly FeedbackEvent[],
  change: FeedbackChange,
): Promise<void> {
  const latest = await readLatest(t, campaign, [...new Set(events.map(({ userId }) => userId))]);
  const changed = new Map<string, LastEvent>();
  for (const event of events) {
    const last = change.take(latest.get(event.userId), event);
    if (last === null) continue;
    latest.set(event.userId, last);
    changed.set(event.userId, last);
  }
  const lasts = [...changed.values()];
  await t.run(
    `INSERT INTO feedback (campaign, user_id, event, happened_at)
     SELECT CAST(@campaign AS bigint), list.*
     FROM ${t.dialect.tableOf({ userIds: 'text', events: 'text', times: 'bigint' })} WHERE true
     ON CONFLICT (campaign, user_id) DO UPDATE SET event = excluded.event, happened_at = excluded.happened_at`,
    {
      campaign,
      userIds: [...changed.keys()],
      events: lasts.map(({ event }) => event),
      times: lasts.map(({ happenedAt }) => happenedAt),
    },
  );
}

/** Prevents others from changing a campaign's feedback. Returns false if the campaign no longer exists. */
async function lock(t: Transaction, campaign: number): Promise<boolean> {
  const sql = `SELECT 1 AS found FROM campaigns WHERE number = @campaign ${t.dialect.lock('campaigns')}`;
  return (await t.get(sql, { campaign })) !== undefined;
}

async function readLatest(sql: Sql, campaign: number, userIds: readonly string[]): Promise<Map<string, LastEvent>> {
  const rows = await sql.all<LastEvent & { readonly userId: string }>(
    `SELECT user_id AS "userId", event, happened_at AS "happenedAt" FROM feedback
     WHERE campaign = @campaign AND user_id ${sql.dialect.isAnyOf('userIds', 'text')}`,
    { campaign, userIds },
  );
  return new Map(rows.map(({ userId, ...last }) => [userId, last]));
}

/** Updates how many users of a campaign have each kind of last event. */
async function count(t: Transaction, campaign: number, change: FeedbackCounts): Promise<void> {
  await t.run(
    `UPDATE campaigns SET conversions = conversions + @conversion, clicks = clicks + @click,
       dismissals = dismissals + @dismissal
     WHERE number = @campaign`,
    { ...change, campaign },
  );
}

/** @throws AppError campaign_not_found */
async function readCounts(sql: Sql, campaignId: string): Promise<FeedbackCounts> {
  const row = await sql.get<FeedbackCounts>(
    `SELECT conversions AS conversion, clicks AS click, dismissals AS dismissal FROM campaigns WHERE id = @campaignId`,
    { campaignId },
  );
  if (row === undefined) throw campaignNotFound(campaignId);
  return row;
}

/** The number of the last erasure; 0 if there was none. */
async function lastErasure(sql: Sql): Promise<number> {
  return (await sql.get<{ readonly last: number }>('SELECT coalesce(max(number), 0) AS last FROM erasures'))!.last;
}
