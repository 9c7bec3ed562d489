/**
 * Stores feedback in SQLite: the latest event of each user in a campaign. Events are written, read and removed in
 * slices, and other work can run between slices.
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
import { AppError } from '../../lib/errors.ts';
import { BoundedQueue } from '../bounded-queue.ts';
import type { FileBlobs } from '../files/blobs.ts';
import { IdSorter } from '../files/id-sorter.ts';
import { type WrittenSet, writeBlocks } from '../files/writer.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import type { CampaignRows } from './campaign-rows.ts';
import type { Connection } from './connection.ts';
import { deleting } from './database/damaged-rows.ts';
import type { Database } from './database/database.ts';
import { writeToFree } from './database/reserve.ts';
import type { Synchronous } from './promised.ts';

/** Number of events per transaction. The rows of their users lie on at most that many database pages (1 MB). */
const WRITTEN_EVENTS = 250;
/** Number of rows read or removed at once. */
const READ_ROWS = 4_096;
const REMOVED_ROWS = 2_048;
/** Number of ids per sorted run. */
const SORTED_IDS = 8_192;
/** Maximum number of uploads and snapshots at one time: one runs, and the others wait. */
const MAXIMUM_WAITING = 32;

/**
 * Selects the campaigns that have rows, followed by a null. The query needs one look-up per campaign instead of one per
 * row.
 */
const HELD_CAMPAIGNS = `
  WITH RECURSIVE held (campaign) AS (
    SELECT min(campaign) FROM feedback
    UNION ALL
    SELECT (SELECT min(f.campaign) FROM feedback f WHERE f.campaign > held.campaign)
    FROM held WHERE held.campaign IS NOT NULL)`;

/** Sets of users by last event; null for a set without users. */
export interface FeedbackSets {
  /** Users who converted or clicked. */
  readonly positives: WrittenSet<void> | null;
  readonly dismissed: WrittenSet<void> | null;
}

export const NO_FEEDBACK: FeedbackSets = { positives: null, dismissed: null };

/**
 * Stores feedback. Uploads and snapshots of all campaigns run one after another, so a snapshot contains either all
 * events of an upload or none. A task blocks the thread for one slice at a time.
 */
export class SqliteFeedback implements Synchronous<Feedback> {
  readonly #database: Database;
  readonly #blobs: FileBlobs;
  readonly #audit: SqliteAuditLog;
  readonly #campaigns: CampaignRows;
  readonly #writes = new BoundedQueue(
    MAXIMUM_WAITING,
    'feedback uploads, and expansions that use feedback, are running or waiting',
  );
  /** This statement runs for every event, so it is prepared once. */
  readonly #select;
  readonly #replace;
  #removal: Promise<void> | null = null;

  constructor({ database, blobs }: Connection, audit: SqliteAuditLog, campaigns: CampaignRows) {
    this.#campaigns = campaigns;
    this.#database = database;
    this.#audit = audit;
    this.#blobs = blobs;
    this.#select = database.prepare(
      'SELECT event, happened_at AS happenedAt FROM feedback WHERE campaign = @campaign AND user_id = @userId',
    );
    this.#replace = database.prepare(
      `INSERT INTO feedback (campaign, user_id, event, happened_at) VALUES (@campaign, @userId, @event, @happenedAt)
       ON CONFLICT DO UPDATE SET event = excluded.event, happened_at = excluded.happened_at`,
    );
  }

  addFeedback(
    campaignId: string,
    events: readonly FeedbackEvent[],
    action: PendingAction | null = null,
  ): Promise<FeedbackReport> {
    return this.#writes.run(async () => {
      this.#refuseClosed();
      // events are sorted by user, because neighbours share pages; the order of a user's events is kept
      const sorted = [...events].sort((a, b) => (a.userId < b.userId ? -1 : a.userId > b.userId ? 1 : 0));
      let taken = 0;
      for (let at = 0; at < sorted.length; at += WRITTEN_EVENTS) {
        const slice = sorted.slice(at, at + WRITTEN_EVENTS);
        taken += this.#audit.with(action, () => this.#take(this.#campaigns.getNumber(campaignId), slice));
        await this.#pause();
      }
      const users = this.feedbackOf(campaignId);
      return { received: events.length, taken, outdated: events.length - taken, users };
    });
  }

  feedbackOf(campaignId: string): FeedbackCounts {
    const row = this.#database
      .prepare(
        `SELECT conversions AS conversion, clicks AS click, dismissals AS dismissal
         FROM campaigns WHERE id = @campaignId`,
      )
      .get({ campaignId }) as FeedbackCounts | undefined;
    if (row === undefined) throw campaignNotFound(campaignId);
    return row;
  }

  respondersOf(campaignId: string, limit: number): readonly string[] {
    return this.#database
      .prepare(
        `SELECT user_id FROM feedback WHERE campaign = @campaign AND event != 'dismissal'
         ORDER BY user_id LIMIT @limit`,
      )
      .pluck()
      .all({ campaign: this.#campaigns.getNumber(campaignId), limit }) as string[];
  }

  /**
   * Calls `use` with the sets of a campaign's current feedback before further feedback is accepted. Files that `use`
   * does not publish are removed. @throws AppError unavailable, storage_failed; the errors of `use`
   */
  snapshot<T>(campaign: number, use: (sets: FeedbackSets) => T): Promise<T> {
    return this.#writes.run(async () => {
      this.#refuseClosed();
      const sets = await this.#writeSets(campaign);
      try {
        this.#refuseClosed();
        return use(sets);
      } finally {
        sets.positives?.discard();
        sets.dismissed?.discard();
      }
    });
  }

  /**
   * Runs `work` while no upload or snapshot is running.
   * @throws AppError unavailable; the errors of `work`
   */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#writes.run(async () => {
      this.#refuseClosed();
      return work();
    });
  }

  /** Removes the users' events of all campaigns in one transaction; returns their number. */
  erase(userIds: readonly string[]): number {
    const remove = this.#database.prepare(
      `${HELD_CAMPAIGNS} DELETE FROM feedback WHERE (campaign, user_id) IN (
         SELECT held.campaign, ids.value FROM held, json_each(@ids) ids WHERE held.campaign IS NOT NULL)
       RETURNING campaign, event`,
    );
    return writeToFree(this.#database, () => {
      const ids = JSON.stringify(userIds);
      const removed = deleting(this.#database, 'feedback', () => remove.all({ ids })) as {
        readonly campaign: number;
        readonly event: FeedbackEvent['event'];
      }[];
      for (const { campaign, event } of removed)
        this.#count(campaign, { conversion: 0, click: 0, dismissal: 0, [event]: -1 });
      return removed.length;
    });
  }

  removeUnusedFeedback(): Promise<void> {
    this.#removal ??= this.#remove().finally(() => {
      this.#removal = null;
    });
    return this.#removal;
  }

  /** Lets other work run; such work may close the store. */
  async #pause(): Promise<void> {
    await setImmediate();
    this.#refuseClosed();
  }

  #refuseClosed(): void {
    if (!this.#database.open) throw new AppError('unavailable', 'the service is closing');
  }

  /** Writes a slice and updates the counts; returns the number of events that were accepted. */
  #take(campaign: number, events: readonly FeedbackEvent[]): number {
    const change = new FeedbackChange();
    for (const event of events) {
      const { userId } = event;
      const last = change.take(this.#select.get({ campaign, userId }) as LastEvent | undefined, event);
      if (last !== null) this.#replace.run({ campaign, userId, ...last });
    }
    this.#count(campaign, change.counts);
    return change.taken;
  }

  /** Updates how many users of a campaign have each kind of last event. */
  #count(campaign: number, change: FeedbackCounts): void {
    this.#database
      .prepare(
        `UPDATE campaigns SET conversions = conversions + @conversion, clicks = clicks + @click,
           dismissals = dismissals + @dismissal
         WHERE number = @campaign`,
      )
      .run({ ...change, campaign });
  }

  async #writeSets(campaign: number): Promise<FeedbackSets> {
    const positives = new IdSorter(this.#blobs, SORTED_IDS);
    const dismissed = new IdSorter(this.#blobs, SORTED_IDS);
    try {
      await this.#collect(campaign, positives, dismissed);
      const first = await writeSorted(this.#blobs, positives);
      try {
        return { positives: first, dismissed: await writeSorted(this.#blobs, dismissed) };
      } catch (error) {
        first?.discard();
        throw error;
      }
    } finally {
      positives.close();
      dismissed.close();
    }
  }

  /**
   * Sorters are needed because SQLite sorts ids by UTF-8 bytes, but sets are sorted by UTF-16 code units. The ids are
   * nearly sorted already.
   */
  async #collect(campaign: number, positives: IdSorter, dismissed: IdSorter): Promise<void> {
    const select = this.#database.prepare(
      `SELECT user_id AS userId, event FROM feedback WHERE campaign = @campaign AND user_id > @after
       ORDER BY user_id LIMIT ${READ_ROWS}`,
    );
    for (let after: string | undefined = ''; after !== undefined; ) {
      const rows = select.all({ campaign, after }) as Pick<FeedbackEvent, 'userId' | 'event'>[];
      for (const { userId, event } of rows) (event === 'dismissal' ? dismissed : positives).add(userId);
      after = rows.at(-1)?.userId;
      await this.#pause();
    }
  }

  async #remove(): Promise<void> {
    const find = this.#database
      .prepare(
        `${HELD_CAMPAIGNS} SELECT campaign FROM held
         WHERE campaign IS NOT NULL AND campaign NOT IN (SELECT number FROM campaigns) LIMIT 1`,
      )
      .pluck();
    const remove = this.#database.prepare(
      `DELETE FROM feedback WHERE campaign = @campaign AND user_id <= coalesce(
         (SELECT user_id FROM feedback WHERE campaign = @campaign ORDER BY user_id LIMIT 1 OFFSET ${REMOVED_ROWS - 1}),
         (SELECT max(user_id) FROM feedback WHERE campaign = @campaign))`,
    );
    for (;;) {
      const campaign = find.get() as number | undefined;
      if (campaign === undefined) return;
      const removeSlice = () => deleting(this.#database, 'feedback', () => remove.run({ campaign }).changes);
      while (writeToFree(this.#database, removeSlice) === REMOVED_ROWS) await this.#pause();
    }
  }
}

async function writeSorted(blobs: FileBlobs, sorter: IdSorter): Promise<WrittenSet<void> | null> {
  return sorter.received === 0 ? null : writeBlocks(blobs, sorter.blocks());
}
