/** Changes to campaigns in Postgres, each in one transaction. */
import { randomUUID } from 'node:crypto';
import { refuseTaken } from '../../../domain/campaigns.ts';
import type { Accept } from '../../../domain/ports/accept.ts';
import type { Campaigns } from '../../../domain/ports/campaigns.ts';
import type {
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  IdempotentRequest,
  Labels,
  NewCampaign,
} from '../../../domain/types.ts';
import { countSeeds } from '../../../domain/user-sets.ts';
import { AppError } from '../../../lib/errors.ts';
import { campaignWrites } from '../../rows/campaigns.ts';
import type { LastOfCampaign } from '../../rows/webhooks.ts';
import type { PostgresAuditLog } from '../audit-log.ts';
import type { Connection } from '../connection.ts';
import { insertRow, POSTGRES, updateRow } from '../database/columns.ts';
import type { Sql, Transaction } from '../database/database.ts';
import { findAnswer, keepAnswerOf } from '../idempotency.ts';
import type { Tickets } from '../queue/tickets.ts';
import type { Cleanup } from '../upkeep/cleanup.ts';
import { record, recordEnd } from '../upkeep/unused-blobs.ts';
import { NO_FEEDBACK } from '../users/feedback.ts';
import { removeFeedbackOf } from '../users/feedback-removal.ts';
import type { NewSet, SetFiles } from '../users/set-files.ts';
import { encodeCounts, setsOfCampaign } from '../users/set-rows.ts';
import type { PostgresAudiences } from './audiences.ts';
import {
  countsByState,
  findCampaign,
  getCampaign,
  getLocked,
  idOf,
  listCampaigns,
  readLabels,
} from './campaign-rows.ts';
import type { EventLog } from './events.ts';
import type { PostgresExpansions } from './expansions.ts';
import { QueueTimes } from './remaining-time.ts';
import { Remembered } from './remembered.ts';

/** Maximum number of campaigns whose labels are kept in memory. */
const REMEMBERED_LABELS = 10_000;
/** The topic that is announced, with the campaign's id, when its labels have changed. */
const LABELS = 'labels';

/** Its dependencies. */
interface Parts {
  readonly audiences: PostgresAudiences;
  readonly expansions: PostgresExpansions;
  readonly events: EventLog;
  readonly tickets: Tickets;
  readonly cleanup: Cleanup;
  readonly setFiles: SetFiles;
  readonly audit: PostgresAuditLog;
}

export class PostgresCampaigns implements Campaigns {
  readonly #connection: Connection;
  readonly #parts: Parts;
  readonly #labels: Remembered<Labels | null>;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
    const { database } = connection;
    this.#labels = new Remembered(database, LABELS, REMEMBERED_LABELS, (id) => readLabels(database, id));
  }

  async create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Promise<Campaign> {
    const { database } = this.#connection;
    await refuseTakenId(database, input.externalId);
    const seeds = input.seeds && countSeeds(input.seeds, isKnown);
    if (!seeds) return this.#insert(input, null, once);
    const { setFiles } = this.#parts;
    const write = async () => ({ seeds: await setFiles.write([[...seeds.userIds].sort()]) });
    return setFiles.keep(write, ({ seeds: set }) => this.#insert(input, { set, counts: seeds.counts }, once));
  }

  answerOf(request: Pick<IdempotentRequest, 'key' | 'requestSha256'>): Promise<string | null> {
    return findAnswer(this.#connection.database, request, this.#now());
  }

  async update(id: string, change: CampaignChange, accept?: Accept<Campaign>): Promise<Campaign> {
    const { database } = this.#connection;
    const queue = await QueueTimes.read(database);
    return database.write(async (t) => {
      const number = await getLocked(t, id);
      const before = await getCampaign(t, id, queue);
      accept?.(before);
      if (change.externalId !== before.externalId) await refuseTakenId(t, change.externalId);
      const now = this.#now();
      await updateRow(t, 'campaigns', number, { ...campaignWrites(POSTGRES, change), updated_at: now });
      if (change.labels) t.announce(LABELS, id);
      if (change.audience) await this.#parts.audiences.resize(t, number, change.audience, now);
      return getCampaign(t, id, queue);
    }, 'readCommitted');
  }

  async delete(id: string, accept?: Accept<Campaign>): Promise<AppError | null> {
    const { audiences, events, cleanup, setFiles } = this.#parts;
    const { database } = this.#connection;
    const queue = accept && (await QueueTimes.read(database));
    const { number, sets } = await database.write(async (t) => {
      const number = await getLocked(t, id);
      accept?.(await getCampaign(t, id, queue));
      const sets = await setsOfCampaign(t, number);
      const now = this.#now();
      const last = (await t.get<LastOfCampaign>(
        `SELECT id, external_id AS "externalId", name, active_version AS version FROM campaigns WHERE number = @number`,
        { number },
      ))!;
      await events.campaignDeleted(t, last, now);
      await record(t, await deleteRows(t, this.#parts.tickets, number, now), now);
      await audiences.recordDeletion(t, last, now);
      t.announce(LABELS, id);
      return { number, sets };
    }, 'readCommitted');
    try {
      await cleanup.removeUnusedFiles();
      for (const name of sets) await setFiles.removeUnused(name);
      await removeFeedbackOf(database, number);
      return null;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error;
    }
  }

  find(id: string): Promise<Campaign | null> {
    return findCampaign(this.#connection.database, id);
  }

  findLabels(id: string): Promise<Labels | null> {
    return this.#labels.get(id);
  }

  get(id: string): Promise<Campaign> {
    return getCampaign(this.#connection.database, id);
  }

  list(query: CampaignQuery): Promise<CampaignPage> {
    return listCampaigns(this.#connection.database, query);
  }

  countsByState(): ReturnType<Campaigns['countsByState']> {
    return countsByState(this.#connection.database);
  }

  async #insert(
    input: NewCampaign,
    seeds: { readonly set: NewSet; readonly counts: Campaign['seeds'] } | null,
    once?: IdempotentRequest,
  ): Promise<Campaign> {
    const { expansions, setFiles, audit } = this.#parts;
    const { database } = this.#connection;
    const id = randomUUID();
    const queue = await QueueTimes.read(database);
    return database.write(async (t) => {
      const now = this.#now();
      const times = queue.copy();
      // the external id is checked again, because another process may have used it by now
      await refuseTakenId(t, input.externalId);
      const number = await insertRow(t, 'campaigns', {
        ...{
          id,
          ...campaignWrites(POSTGRES, { ...input, features: { values: input.features, counts: input.featureCounts } }),
        },
        ...{ created_at: now, updated_at: now },
      });
      audit.made(id);
      if (seeds !== null) {
        await setFiles.record(t, seeds.set, now);
        const seed_counts = encodeCounts({ counts: seeds.counts, createdAt: now, updatedAt: now });
        await updateRow(t, 'campaigns', number, { seed_set: seeds.set.name, seed_counts });
        await expansions.insert(t, number, 'created', NO_FEEDBACK, times);
      }
      const campaign = await getCampaign(t, id, times);
      await keepAnswerOf(t, once, campaign, id, now);
      return campaign;
    }, 'readCommitted');
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }
}

/** @throws AppError external_id_taken */
async function refuseTakenId(sql: Sql, externalId: string | null | undefined): Promise<void> {
  if (typeof externalId === 'string') refuseTaken(externalId, await idOf(sql, externalId));
}

/**
 * Deletes the rows of a campaign except feedback and user sets. Returns the folders of its audience versions; those of
 * running expansions are recorded as unused here.
 */
async function deleteRows(t: Transaction, tickets: Tickets, number: number, now: number): Promise<string[]> {
  const running = await t.all<{ readonly expansion: number; readonly token: number }>(
    `SELECT e.number AS expansion, j.token FROM jobs j JOIN expansions e ON e.number = j.expansion
     WHERE e.campaign = @number FOR UPDATE OF j, e`,
    { number },
  );
  const jobs = await t.all<{ readonly id: string }>(
    'DELETE FROM jobs WHERE expansion IN (SELECT number FROM expansions WHERE campaign = @number) RETURNING id',
    { number },
  );
  await tickets.remove(
    t,
    jobs.map(({ id }) => id),
  );
  const rankings = await t.all<{ readonly folder: string }>(
    'DELETE FROM audiences WHERE campaign = @number RETURNING folder',
    { number },
  );
  for (const { expansion, token } of running) await recordEnd(t, expansion, token, now);
  await t.run('DELETE FROM expansions WHERE campaign = @number', { number });
  await t.run('DELETE FROM campaigns WHERE number = @number', { number });
  return [...new Set(rankings.map(({ folder }) => folder))];
}
