/** Reads campaigns as training data, even while services are running. */
import type { IdBlocks } from '../../domain/id-blocks.ts';
import type { BlobReader, OpenBlob } from '../../domain/ports/blobs.ts';
import type { CampaignRecord, CampaignRecords, FeedbackBlocks } from '../../domain/ports/records.ts';
import type { SetOwner } from '../../domain/user-sets.ts';
import { AppError, isMissing } from '../../lib/errors.ts';
import { blocksOfSet, openUserSet } from '../files/set-file.ts';
import { listOwners } from '../files/set-matches.ts';
import { json, plain, readRow, selectList } from './columns.ts';
import { feedbackBlocks } from './feedback.ts';
import { readOwnedSet } from './set-rows.ts';
import type { Sql } from './sql.ts';

/** Maximum number of attempts to open a set, which may be replaced after its name was read. */
const ATTEMPTS = 5;

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

const READY = `FROM campaigns c CROSS JOIN installation i JOIN expansions e ON e.campaign = c.number AND e.latest
  WHERE e.state = 'ready' AND c.seed_set IS NOT NULL`;

export class StoredRecords implements CampaignRecords {
  readonly #sql: Sql;
  readonly #blobs: Pick<BlobReader, 'open'>;
  readonly close: () => Promise<void>;

  constructor(sql: Sql, blobs: Pick<BlobReader, 'open'>, close: () => Promise<void>) {
    this.#sql = sql;
    this.#blobs = blobs;
    this.close = close;
  }

  async ready(): Promise<readonly CampaignRecord[]> {
    const rows = await this.#sql.all(`SELECT ${selectList(COLUMNS)} ${READY} ORDER BY c.number`);
    return rows.map((row) => readRow(COLUMNS, row));
  }

  async countOthers(): Promise<number> {
    const sql = `SELECT (SELECT count(*) FROM campaigns) - (SELECT count(*) ${READY}) AS others`;
    return (await this.#sql.get<{ readonly others: number }>(sql))!.others;
  }

  async usersOf(kind: 'seeds' | 'negatives', id: string): Promise<IdBlocks> {
    return blocksOf(await this.#open({ kind, campaignId: id }));
  }

  async suppressedOf(id: string): Promise<IdBlocks> {
    const opened: OpenSet[] = [];
    if ((await this.#numberOf(id)) === undefined) return [];
    try {
      for (const owner of listOwners(id)) opened.push(...(await this.#open(owner)));
    } catch (error) {
      for (const { blob } of opened) blob.close();
      throw error;
    }
    return blocksOf(opened);
  }

  async feedbackOf(id: string): Promise<FeedbackBlocks> {
    const number = await this.#numberOf(id);
    return number === undefined ? [] : feedbackBlocks(this.#sql, number);
  }

  async #numberOf(id: string): Promise<number | undefined> {
    const sql = 'SELECT number FROM campaigns WHERE id = @id';
    return (await this.#sql.get<{ readonly number: number }>(sql, { id }))?.number;
  }

  /**
   * Opens the owner's current set; the list is empty if there is none. An open set can be read to the end even if it is
   * replaced.
   */
  async #open(owner: SetOwner): Promise<OpenSet[]> {
    for (let attempt = 1; ; attempt++) {
      const owned = await readOwnedSet(this.#sql, owner).catch((error) => {
        if (error instanceof AppError && error.code === 'campaign_not_found') return null;
        throw error;
      });
      if (owned === null) return [];
      try {
        return [{ name: owned.name, blob: await openUserSet(this.#blobs, owned.name) }];
      } catch (error) {
        if (attempt === ATTEMPTS || !isMissing(error)) throw error;
      }
    }
  }
}

interface OpenSet {
  readonly name: string;
  readonly blob: OpenBlob;
}

function* blocksOf(opened: readonly OpenSet[]): IdBlocks {
  try {
    for (const { name, blob } of opened) yield* blocksOfSet(blob, name);
  } finally {
    for (const { blob } of opened) blob.close();
  }
}
