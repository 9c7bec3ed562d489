/**
 * Stores feedback in Postgres: the latest event of each user in a campaign. An upload is one transaction, which locks
 * its campaign, so uploads of several processes have exact counts. The sets for an expansion are read from one state.
 */
import type { PendingAction } from '../../../domain/audit.ts';
import {
  FeedbackChange,
  type FeedbackCounts,
  type FeedbackEvent,
  type FeedbackReport,
  type LastEvent,
} from '../../../domain/feedback.ts';
import { campaignNotFound } from '../../../domain/not-found.ts';
import type { Feedback } from '../../../domain/ports/feedback.ts';
import { BoundedQueue } from '../../bounded-queue.ts';
import { IdSorter } from '../../files/id-sorter.ts';
import type { PostgresAuditLog } from '../audit-log.ts';
import { getNumber } from '../campaigns/campaign-rows.ts';
import type { Connection } from '../connection.ts';
import type { Sql, Transaction } from '../database/database.ts';
import { removeUnusedFeedback } from './feedback-removal.ts';
import { type NewSet, type SetFiles, WriteAgain } from './set-files.ts';

/** Number of rows that one statement writes or reads. */
const WRITTEN_ROWS = 2_500;
const READ_ROWS = 10_000;
/** Number of ids per sorted run. */
const SORTED_IDS = 8_192;
/** Maximum number of uploads and snapshots of this process at one time: one runs, and the others wait. */
const MAXIMUM_WAITING = 32;

/** Sets of users by last event; null for a set without users. */
export interface FeedbackSets {
  /** Users who converted or clicked. */
  readonly positives: NewSet | null;
  readonly dismissed: NewSet | null;
  /**
   * Records the sets, inside the transaction of the expansion that uses them.
   * @throws WriteAgain, which `snapshot` handles
   */
  record(transaction: Transaction, now: number): Promise<void>;
}

export const NO_FEEDBACK: FeedbackSets = { positives: null, dismissed: null, record: async () => {} };

export class PostgresFeedback implements Feedback {
  readonly #connection: Connection;
  readonly #audit: PostgresAuditLog;
  readonly #files: SetFiles;
  /** Keeps the order of the calls to this process, and the number of its transactions small. */
  readonly #tasks = new BoundedQueue(
    MAXIMUM_WAITING,
    'feedback uploads, and expansions that use feedback, are running or waiting',
  );
  #removal: Promise<void> | null = null;

  constructor(connection: Connection, audit: PostgresAuditLog, files: SetFiles) {
    this.#connection = connection;
    this.#audit = audit;
    this.#files = files;
  }

  addFeedback(
    campaignId: string,
    events: readonly FeedbackEvent[],
    action: PendingAction | null = null,
  ): Promise<FeedbackReport> {
    return this.#tasks.run(() =>
      this.#audit.with(action, (transaction) => take(transaction, campaignId, events), 'readCommitted'),
    );
  }

  feedbackOf(campaignId: string): Promise<FeedbackCounts> {
    return readCounts(this.#connection.database, campaignId);
  }

  async respondersOf(campaignId: string, limit: number): Promise<readonly string[]> {
    const { database } = this.#connection;
    const rows = await database.all<{ readonly userId: string }>(
      `SELECT user_id AS "userId" FROM feedback WHERE campaign = @campaign AND event <> 'dismissal'
       ORDER BY user_id LIMIT @limit`,
      { campaign: await getNumber(database, campaignId), limit },
    );
    return rows.map(({ userId }) => userId);
  }

  /**
   * Calls `use` with the sets of a campaign's current feedback, which `use` records in its transaction. It may be
   * called again with other sets. Files that are not recorded are removed.
   * @throws AppError unavailable, storage_failed; the errors of `use`
   */
  snapshot<T>(campaign: number, use: (sets: FeedbackSets) => Promise<T>): Promise<T> {
    return this.#tasks.run(async () => {
      let erasures = 0;
      return this.#files.keep(
        async () => {
          erasures = await lastErasure(this.#connection.database);
          return this.#writeSets(campaign);
        },
        ({ positives, dismissed }) =>
          use({
            ...{ positives, dismissed },
            record: async (transaction, now) => {
              // users who were erased since the feedback was read must not come back by these sets
              if ((await lastErasure(transaction)) !== erasures) throw new WriteAgain();
              for (const set of [positives, dismissed])
                if (set !== null) await this.#files.record(transaction, set, now);
            },
          }),
      );
    });
  }

  /** Removes the users' events of all campaigns in one transaction; returns their number. */
  async erase(userIds: readonly string[]): Promise<number> {
    return this.#connection.database.write(async (transaction) => {
      const held = await transaction.all<{ readonly campaign: number }>(
        'SELECT DISTINCT campaign FROM feedback WHERE user_id = ANY(@userIds::text[]) ORDER BY campaign',
        { userIds },
      );
      let erased = 0;
      for (const { campaign } of held) {
        await lock(transaction, campaign);
        const removed = await transaction.all<Pick<FeedbackEvent, 'event'>>(
          'DELETE FROM feedback WHERE campaign = @campaign AND user_id = ANY(@userIds::text[]) RETURNING event',
          { campaign, userIds },
        );
        const change = { conversion: 0, click: 0, dismissal: 0 };
        for (const { event } of removed) change[event] -= 1;
        await count(transaction, campaign, change);
        erased += removed.length;
      }
      return erased;
    }, 'readCommitted');
  }

  removeUnusedFeedback(): Promise<void> {
    this.#removal ??= removeUnusedFeedback(this.#connection.database).finally(() => {
      this.#removal = null;
    });
    return this.#removal;
  }

  /** Each set is read from one state: an upload that is running is in it as a whole, or not at all. */
  async #writeSets(
    campaign: number,
  ): Promise<{ readonly positives: NewSet | null; readonly dismissed: NewSet | null }> {
    const { blobs, database } = this.#connection;
    const positives = new IdSorter(blobs, SORTED_IDS);
    const dismissed = new IdSorter(blobs, SORTED_IDS);
    const write = (sorter: IdSorter) => (sorter.received === 0 ? null : this.#files.write(sorter.blocks()));
    try {
      await database.read(async (state) => {
        for await (const rows of feedbackBlocks(state, campaign))
          for (const { userId, event } of rows) (event === 'dismissal' ? dismissed : positives).add(userId);
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

/** Writes an upload and updates the counts. */
async function take(
  transaction: Transaction,
  campaignId: string,
  events: readonly FeedbackEvent[],
): Promise<FeedbackReport> {
  const campaign = await getNumber(transaction, campaignId);
  if (!(await lock(transaction, campaign))) throw campaignNotFound(campaignId);
  const latest = await readLatest(transaction, campaign, [...new Set(events.map(({ userId }) => userId))]);
  const changed = new Map<string, LastEvent>();
  const change = new FeedbackChange();
  for (const event of events) {
    const last = change.take(latest.get(event.userId), event);
    if (last === null) continue;
    latest.set(event.userId, last);
    changed.set(event.userId, last);
  }
  await writeLatest(transaction, campaign, [...changed]);
  await count(transaction, campaign, change.counts);
  const users = await readCounts(transaction, campaignId);
  return { received: events.length, taken: change.taken, outdated: events.length - change.taken, users };
}

/** Keeps others from changing the feedback of a campaign; returns false if there is no such campaign any more. */
async function lock(transaction: Transaction, campaign: number): Promise<boolean> {
  const sql = 'SELECT 1 FROM campaigns WHERE number = @campaign FOR NO KEY UPDATE';
  return (await transaction.get(sql, { campaign })) !== undefined;
}

async function readLatest(sql: Sql, campaign: number, userIds: readonly string[]): Promise<Map<string, LastEvent>> {
  const rows = await sql.all<LastEvent & { readonly userId: string }>(
    `SELECT user_id AS "userId", event, happened_at AS "happenedAt" FROM feedback
     WHERE campaign = @campaign AND user_id = ANY(@userIds::text[])`,
    { campaign, userIds },
  );
  return new Map(rows.map(({ userId, ...last }) => [userId, last]));
}

async function writeLatest(
  transaction: Transaction,
  campaign: number,
  latest: readonly (readonly [userId: string, last: LastEvent])[],
): Promise<void> {
  for (let at = 0; at < latest.length; at += WRITTEN_ROWS) {
    const slice = latest.slice(at, at + WRITTEN_ROWS);
    await transaction.run(
      `INSERT INTO feedback (campaign, user_id, event, happened_at)
       SELECT @campaign::bigint, * FROM unnest(@userIds::text[], @events::text[], @times::bigint[])
       ON CONFLICT (campaign, user_id) DO UPDATE SET event = excluded.event, happened_at = excluded.happened_at`,
      {
        campaign,
        userIds: slice.map(([userId]) => userId),
        events: slice.map(([, { event }]) => event),
        times: slice.map(([, { happenedAt }]) => happenedAt),
      },
    );
  }
}

/** Updates how many users of a campaign have each kind of last event. */
async function count(transaction: Transaction, campaign: number, change: FeedbackCounts): Promise<void> {
  await transaction.run(
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
