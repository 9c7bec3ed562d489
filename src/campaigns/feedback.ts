/** Rows of feedback: the last thing that each user did in a campaign. */
import type { Database } from './database.ts';
import type { FeedbackEvent } from './types.ts';

/** Users by what their last event makes them. */
export interface FeedbackUsers {
  /** Who converted or clicked. */
  readonly positives: readonly string[];
  readonly dismissed: readonly string[];
}

/** What became of some events. */
export interface FeedbackReport {
  readonly received: number;
  /** Events that are now the last of their user. */
  readonly taken: number;
  /** Events older than what is known of their user: nothing changed. */
  readonly outdated: number;
}

export class Feedback {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Takes events in any order: of one user the latest counts, of the same time the one that came last. */
  add(campaign: number, events: Iterable<FeedbackEvent>): FeedbackReport {
    const statement = this.#database.prepare(
      `INSERT INTO feedback (campaign, user_id, event, happened_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET event = excluded.event, happened_at = excluded.happened_at WHERE excluded.happened_at >= happened_at`,
    );
    let [received, taken] = [0, 0];
    for (const { userId, event, happenedAt } of events) {
      received += 1;
      taken += statement.run(campaign, userId, event, happenedAt).changes;
    }
    return { received, taken, outdated: received - taken };
  }

  users(campaign: number): FeedbackUsers {
    const select = this.#database
      .prepare("SELECT user_id FROM feedback WHERE campaign = ? AND (event = 'dismissal') = ? ORDER BY user_id")
      .pluck();
    return { positives: select.all(campaign, 0) as string[], dismissed: select.all(campaign, 1) as string[] };
  }

  counts(campaign: number): Record<FeedbackEvent['event'], number> {
    const rows = this.#database
      .prepare('SELECT event, count(*) AS users FROM feedback WHERE campaign = ? GROUP BY event')
      .all(campaign) as { event: FeedbackEvent['event']; users: number }[];
    return { conversion: 0, click: 0, dismissal: 0, ...Object.fromEntries(rows.map((row) => [row.event, row.users])) };
  }
}
