/** The port of campaigns on SQLite: every command and query is one transaction. */
import { randomUUID } from 'node:crypto';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import { countSeeds } from '../../domain/seeds.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type {
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  IdempotentRequest,
  Labels,
  NewCampaign,
} from '../../domain/types.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { writeUserSet } from '../files/writer.ts';
import type { AudienceRows } from './audience-rows.ts';
import type { SqliteAuditLog } from './audit-log.ts';
import type { CampaignRows } from './campaign-rows.ts';
import type { Cleanup } from './cleanup.ts';
import type { Connection } from './connection.ts';
import { write } from './database.ts';
import type { EventLog } from './event-log.ts';
import type { ExpansionQueue } from './expansion-queue.ts';
import { NO_FEEDBACK } from './feedback.ts';
import { findAnswer, keepAnswerOf } from './idempotency-rows.ts';
import { writeToFree } from './reserve.ts';

/** What it is made of. */
interface Parts {
  readonly campaigns: CampaignRows;
  readonly audiences: AudienceRows;
  readonly queue: ExpansionQueue;
  readonly events: EventLog;
  readonly cleanup: Cleanup;
  readonly audit: SqliteAuditLog;
}

export class SqliteCampaigns implements Campaigns {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Campaign {
    const { campaigns, queue, audit } = this.#parts;
    const { database, blobs } = this.#connection;
    this.#refuseTaken(input.externalId);
    const seeds = input.seeds && countSeeds(input.seeds, isKnown);
    const seedSet = seeds && writeUserSet(blobs, seeds.userIds);
    const id = randomUUID();
    const now = this.#now();
    try {
      return write(database, () => {
        // once more: another process may have taken it since
        this.#refuseTaken(input.externalId);
        const number = campaigns.insert(id, input, now);
        audit.made(id);
        if (seeds && seedSet) {
          campaigns.setSeeds(number, seedSet, seeds.counts, now);
          queue.insert(campaigns.inputs(number), 'created', NO_FEEDBACK, now);
        }
        const campaign = this.get(id);
        keepAnswerOf(database, once, campaign, id, now);
        return campaign;
      });
    } finally {
      seedSet?.discard();
    }
  }

  answerOf({ key, requestSha256 }: Pick<IdempotentRequest, 'key' | 'requestSha256'>): string | null {
    return findAnswer(this.#connection.database, key, requestSha256, this.#now());
  }

  update(id: string, change: CampaignChange): Campaign {
    const { campaigns, audiences, events } = this.#parts;
    return write(this.#connection.database, () => {
      const number = campaigns.getNumber(id);
      const before = this.get(id);
      if (change.externalId !== before.externalId) this.#refuseTaken(change.externalId);
      const now = this.#now();
      campaigns.update(number, change, now);
      if (change.audience) audiences.resize(number, change.audience, now);
      const after = this.get(id);
      events.tellOfAnother('campaign.resized', number, before, after, now);
      return after;
    });
  }

  delete(id: string): void {
    const { campaigns, audiences, events, cleanup } = this.#parts;
    writeToFree(this.#connection.database, () => {
      const number = campaigns.getNumberToDelete(id);
      const now = this.#now();
      const last = campaigns.lastOf(number, id);
      audiences.recordDeletion(last, now);
      events.campaignDeleted(last, now);
      campaigns.delete(number);
    });
    cleanup.removeUnused();
  }

  find(id: string): Campaign | null {
    return this.#parts.campaigns.find(id);
  }

  findLabels(id: string): Labels | null {
    return this.#parts.campaigns.findLabels(id);
  }

  get(id: string): Campaign {
    return this.#parts.campaigns.get(id);
  }

  list(query: CampaignQuery): CampaignPage {
    assert(Number.isSafeInteger(query.limit) && query.limit >= 1, `a page of ${query.limit} campaigns`);
    return this.#parts.campaigns.list(query);
  }

  countsByState(): Record<ExpansionState, number> {
    return this.#parts.campaigns.countsByState();
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }

  #refuseTaken(externalId: string | null | undefined): void {
    const id = typeof externalId === 'string' ? this.#parts.campaigns.idOf(externalId) : undefined;
    if (id === undefined) return;
    const message = `campaign ${id} has this external id`;
    throw new AppError('external_id_taken', message, {
      details: [{ pointer: '/external_id', value: externalId, message }],
      facts: { campaign_id: id },
    });
  }
}
