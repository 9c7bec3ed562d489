/** Changes to campaigns in SQLite, each in one transaction. */
import { randomUUID } from 'node:crypto';
import { refuseTaken } from '../../domain/campaigns.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import type { Campaign, CampaignChange, IdempotentRequest, NewCampaign } from '../../domain/types.ts';
import { countSeeds } from '../../domain/user-sets.ts';
import { AppError } from '../../lib/errors.ts';
import { writeUserSet } from '../files/writer.ts';
import { campaignWrites } from '../rows/campaigns.ts';
import type { LastOfCampaign } from '../rows/webhooks.ts';
import type { SqliteAudiences } from './audiences.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import type { CampaignRows } from './campaign-rows.ts';
import type { Cleanup } from './cleanup.ts';
import type { Connection } from './connection.ts';
import { insertRow, SQLITE, updateRow } from './database/columns.ts';
import { areWhole, deleteRows } from './database/damaged-rows.ts';
import { write } from './database/database.ts';
import { writeToFree } from './database/reserve.ts';
import type { EventLog } from './events.ts';
import type { SqliteExpansions } from './expansions.ts';
import { NO_FEEDBACK, type SqliteFeedback } from './feedback.ts';
import { findAnswer, keepAnswerOf } from './idempotency.ts';
import type { Synchronous } from './promised.ts';
import { encodeCounts, recordSet } from './set-rows.ts';

/** Its dependencies. */
interface Parts {
  readonly campaigns: CampaignRows;
  readonly audiences: SqliteAudiences;
  readonly expansions: SqliteExpansions;
  readonly events: EventLog;
  readonly cleanup: Cleanup;
  readonly feedback: SqliteFeedback;
  readonly audit: SqliteAuditLog;
}

/** `CampaignRows` reads campaigns. */
export class SqliteCampaigns implements Synchronous<Pick<Campaigns, 'create' | 'answerOf' | 'update' | 'delete'>> {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Campaign {
    const { expansions, audit } = this.#parts;
    const { database, blobs } = this.#connection;
    this.#refuseTaken(input.externalId);
    const seeds = input.seeds && countSeeds(input.seeds, isKnown);
    const seedSet = seeds && writeUserSet(blobs, seeds.userIds);
    const id = randomUUID();
    const now = this.#now();
    try {
      return write(database, () => {
        // the external id is checked again, because another process may have used it by now
        this.#refuseTaken(input.externalId);
        const number = insertRow(database, 'campaigns', {
          ...{
            id,
            ...campaignWrites(SQLITE, { ...input, features: { values: input.features, counts: input.featureCounts } }),
          },
          ...{ created_at: now, updated_at: now },
        });
        audit.made(id);
        if (seeds && seedSet) {
          recordSet(database, seedSet, now);
          const seed_counts = encodeCounts({ counts: seeds.counts, createdAt: now, updatedAt: now });
          updateRow(database, 'campaigns', number, { seed_set: seedSet.sha256, seed_counts });
          expansions.insert(number, 'created', NO_FEEDBACK, now);
        }
        const campaign = this.#parts.campaigns.get(id);
        keepAnswerOf(database, once, campaign, id, now);
        return campaign;
      });
    } finally {
      seedSet?.discard();
    }
  }

  answerOf(request: Pick<IdempotentRequest, 'key' | 'requestSha256'>): string | null {
    return findAnswer(this.#connection.database, request, this.#now());
  }

  update(id: string, change: CampaignChange, accept?: Accept<Campaign>): Campaign {
    const { campaigns, audiences } = this.#parts;
    return write(this.#connection.database, () => {
      const number = campaigns.getNumber(id);
      const before = campaigns.get(id);
      accept?.(before);
      if (change.externalId !== before.externalId) this.#refuseTaken(change.externalId);
      const now = this.#now();
      updateRow(this.#connection.database, 'campaigns', number, { ...campaignWrites(SQLITE, change), updated_at: now });
      if (change.audience) audiences.resize(number, change.audience, now);
      return campaigns.get(id);
    });
  }

  async delete(id: string, accept?: Accept<Campaign>): Promise<AppError | null> {
    const { campaigns, audiences, events, cleanup, feedback } = this.#parts;
    writeToFree(this.#connection.database, () => {
      accept?.(campaigns.get(id));
      const number = this.#numberToDelete(id);
      const now = this.#now();
      const last = this.#lastOf(number, id);
      audiences.recordDeletion(last, now);
      events.campaignDeleted(last, now);
      this.#deleteRows(number);
    });
    cleanup.removeUnused();
    try {
      await feedback.removeUnusedFeedback();
      return null;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error;
    }
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }

  #refuseTaken(externalId: string | null | undefined): void {
    if (typeof externalId === 'string') refuseTaken(externalId, this.#parts.campaigns.idOf(externalId));
  }

  /**
   * Finds the number of a campaign to delete. If the id of a campaign is damaged, the campaign is found both by the id
   * in its row, which lists show, and by the id in the index. @throws AppError campaign_not_found
   */
  #numberToDelete(id: string): number {
    const select = this.#connection.database.prepare('SELECT number FROM campaigns NOT INDEXED WHERE id = @id').pluck();
    try {
      return this.#parts.campaigns.getNumber(id);
    } catch (error) {
      const number = select.get({ id });
      if (number === undefined) throw error;
      return number as number;
    }
  }

  /**
   * The report on a campaign that is about to be deleted. If the row is damaged, the report contains only the id by
   * which the row was found, and the version of the last change.
   */
  #lastOf(number: number, id: string): LastOfCampaign {
    if (areWhole(this.#connection.database, [['campaigns', { number }]]))
      return this.#connection.database
        .prepare(
          `SELECT id, external_id AS externalId, name, active_version AS version FROM campaigns WHERE number = @number`,
        )
        .get({ number }) as LastOfCampaign;
    const version = this.#connection.database
      .prepare('SELECT version FROM changes WHERE campaign_id = @id ORDER BY number DESC LIMIT 1')
      .pluck()
      .get({ id }) as number | null | undefined;
    return { id, externalId: null, name: '', version: version ?? null };
  }

  /** Deletes the rows of a campaign except feedback and user sets, inside the caller's transaction. */
  #deleteRows(number: number): void {
    for (const [table, condition] of [
      ['jobs', 'expansion IN (SELECT number FROM expansions WHERE campaign = @number)'],
      ['audiences', 'campaign = @number'],
      ['expansions', 'campaign = @number'],
      ['campaigns', 'number = @number'],
    ] as const)
      deleteRows(this.#connection.database, table, condition, { number });
  }
}
