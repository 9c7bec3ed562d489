/** Campaigns as training data for models, over a read-only connection. */
import { resolve } from 'node:path';
import type { FeedbackEvent } from '../../domain/feedback.ts';
import type { CampaignRecord, CampaignRecords } from '../../domain/ports/records.ts';
import type { IdBlocks } from '../../domain/user-sets.ts';
import { FileBlobs } from '../files/blobs.ts';
import { currentBlocks } from '../files/until-unchanged.ts';
import { plain, readRow, selectList } from '../rows/columns.ts';
import { json } from './database/columns.ts';
import { databaseOf } from './database/data-folder.ts';
import { type Database, openForReading } from './database/database.ts';
import { promised, type Synchronous } from './promised.ts';

/** Number of rows read at once. */
const READ_ROWS = 4_096;

const COLUMNS = {
  id: plain<string>('c.id'),
  externalId: plain<string | null>('c.external_id'),
  name: plain<string>('c.name'),
  features: json<CampaignRecord['features']>('c.features'),
  filters: json<CampaignRecord['filters']>('c.filters'),
  suppression: plain<string | null>('c.suppression_set'),
  commonSuppression: plain<string | null>('i.suppression_set'),
  createdAt: plain<number>('c.created_at'),
};

const READY = `FROM campaigns c JOIN installation i JOIN expansions e ON e.campaign = c.number AND e.latest = 1
  WHERE e.state = 'ready' AND c.seed_set IS NOT NULL`;

/** @throws AppError invalid_argument if there is no data folder of this version; storage_failed */
export async function openRecords(dataDir: string): Promise<CampaignRecords> {
  const absolute = resolve(dataDir);
  const records = new SqliteRecords(openForReading(databaseOf(absolute)), new FileBlobs(absolute));
  return promised(records, ['ready', 'countOthers', 'seedsOf', 'suppressedOf', 'feedbackOf', 'close']);
}

class SqliteRecords implements Synchronous<CampaignRecords> {
  readonly #database: Database;
  readonly #blobs: FileBlobs;

  constructor(database: Database, blobs: FileBlobs) {
    this.#database = database;
    this.#blobs = blobs;
  }

  ready(): readonly CampaignRecord[] {
    const sql = `SELECT ${selectList(COLUMNS)} ${READY} ORDER BY c.number`;
    return this.#database
      .prepare(sql)
      .all()
      .map((row) => readRow(COLUMNS, row));
  }

  countOthers(): number {
    const sql = `SELECT (SELECT count(*) FROM campaigns) - (SELECT count(*) ${READY})`;
    return this.#database.prepare(sql).pluck().get() as number;
  }

  seedsOf(id: string): IdBlocks {
    return this.#setOf('SELECT seed_set FROM campaigns WHERE id = @id', id);
  }

  *suppressedOf(id: string): IdBlocks {
    yield* this.#setOf('SELECT suppression_set FROM campaigns WHERE id = @id', id);
    yield* this.#setOf('SELECT i.suppression_set FROM installation i JOIN campaigns c WHERE c.id = @id', id);
  }

  /** Reads all ids of the current set, even if the set is replaced during the read. */
  #setOf(sql: string, id: string): IdBlocks {
    const find = this.#database.prepare(sql).pluck();
    return currentBlocks(this.#blobs, () => (find.get({ id }) as string | null | undefined) ?? null);
  }

  *feedbackOf(id: string): Iterable<readonly Pick<FeedbackEvent, 'userId' | 'event'>[]> {
    const select = this.#database.prepare(
      `SELECT user_id AS userId, event FROM feedback
       WHERE campaign = (SELECT number FROM campaigns WHERE id = @id) AND user_id > @after
       ORDER BY user_id LIMIT ${READ_ROWS}`,
    );
    for (let after: string | undefined = ''; after !== undefined; ) {
      const rows = select.all({ id, after }) as Pick<FeedbackEvent, 'userId' | 'event'>[];
      if (rows.length > 0) yield rows;
      after = rows.at(-1)?.userId;
    }
  }

  close(): void {
    this.#database.close();
  }
}
