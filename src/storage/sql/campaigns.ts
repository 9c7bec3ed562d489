/** Changes and reads campaigns. Each change is one transaction. */
import { randomUUID } from 'node:crypto';
import type { CampaignQuery } from '../../domain/campaign-query.ts';
import { refuseTaken } from '../../domain/campaigns.ts';
import { withWeights } from '../../domain/id-blocks.ts';
import type { IdempotentRequest } from '../../domain/idempotency.ts';
import type { CampaignPage } from '../../domain/pages.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Campaigns } from '../../domain/ports/campaigns.ts';
import { rankingFolder } from '../../domain/ranking-name.ts';
import type { Campaign, CampaignChange, Labels, NewCampaign, SeedCounts } from '../../domain/types.ts';
import { countSeeds } from '../../domain/user-sets.ts';
import { AppError } from '../../lib/errors.ts';
import type { AudienceRepository } from './audiences.ts';
import type { AuditRepository } from './audit-log.ts';
import { campaignWrites } from './campaign-columns.ts';
import { findCampaigns, listCampaigns } from './campaign-list.ts';
import { countsByState, findCampaign, getCampaign, getLocked, idOf, readLabels } from './campaign-rows.ts';
import type { Cleanup } from './cleanup.ts';
import { insertRow, updateRow } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { EventLog, LastOfCampaign } from './events.ts';
import type { ExpansionRepository } from './expansions.ts';
import { NO_FEEDBACK } from './feedback.ts';
import { removeFeedbackOf } from './feedback-removal.ts';
import { findAnswer, keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import { QueueTimes } from './remaining-time.ts';
import { Remembered } from './remembered.ts';
import { deleteUnusedSets, type NewSet, type SetFiles } from './set-files.ts';
import { encodeCounts, setsOfCampaign } from './set-rows.ts';
import type { Sql, Transaction } from './sql.ts';
import { record, recordEnd } from './unused-blobs.ts';

/** Maximum number of campaigns whose labels are kept in memory. */
const REMEMBERED_LABELS = 10_000;
/** The topic announced, with the campaign's id, when its labels change. */
const LABELS = 'labels';

interface CampaignRepositoryDependencies extends StoreDependencies {
  readonly audiences: AudienceRepository;
  readonly expansions: ExpansionRepository;
  readonly events: EventLog;
  readonly setFiles: SetFiles;
  readonly cleanup: Cleanup;
  readonly audit: AuditRepository;
}

export class CampaignRepository implements Campaigns {
  readonly #dependencies: CampaignRepositoryDependencies;
  readonly #labels: Remembered<Labels | null>;

  constructor(dependencies: CampaignRepositoryDependencies) {
    this.#dependencies = dependencies;
    const { database } = dependencies;
    this.#labels = new Remembered(database, LABELS, REMEMBERED_LABELS, (id) => readLabels(database, id));
  }

  async create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Promise<Campaign> {
    const { database, setFiles } = this.#dependencies;
    await refuseTakenId(database, input.externalId);
    const seeds = input.seeds && countSeeds(input.seeds, isKnown);
    if (!seeds) return this.#insert(input, null, once);
    const { seedWeights } = input;
    const sorted = [...seeds.userIds].sort();
    const weights = seedWeights && sorted.map((userId) => seedWeights.get(userId) ?? 1);
    const write = async () => ({ seeds: await setFiles.write([withWeights(sorted, weights)]) });
    return setFiles.keep(write, ({ seeds: set }) => this.#insert(input, { set, counts: seeds.counts }, once));
  }

  answerOf(request: Pick<IdempotentRequest, 'key' | 'requestSha256'>): Promise<string | null> {
    return findAnswer(this.#dependencies.database, request, this.#now());
  }

  async keepAnswer<Made>(once: IdempotentRequest<Made>, made: Made): Promise<void> {
    await this.#dependencies.database.write((t) => keepAnswerOf(t, once, made, OF_NO_CAMPAIGN, this.#now()));
  }

  async update(id: string, change: CampaignChange, accept?: Accept<Campaign>): Promise<Campaign> {
    const { database, audiences } = this.#dependencies;
    const queue = await QueueTimes.read(database);
    return database.write(async (t) => {
      const number = await getLocked(t, id);
      const before = await getCampaign(t, id, queue);
      accept?.(before);
      if (change.externalId !== before.externalId) await refuseTakenId(t, change.externalId);
      const now = this.#now();
      await updateRow(t, 'campaigns', number, { ...campaignWrites(change), updated_at: now });
      if (change.labels) t.announce(LABELS, id);
      await audiences.recut(t, number, change, now);
      return getCampaign(t, id, queue);
    }, 'readCommitted');
  }

  async delete(id: string, accept?: Accept<Campaign>): Promise<AppError | null> {
    const { database, audiences, events, cleanup } = this.#dependencies;
    const queue = accept && (await QueueTimes.read(database));
    const remove = async (t: Transaction) => {
      const number = await this.#numberToDelete(t, id);
      accept?.(await getCampaign(t, id, queue));
      const sets = await setsOfCampaign(t, number);
      const now = this.#now();
      const last = await lastOf(t, number, id);
      await events.campaignDeleted(t, last, now);
      await record(t, await deleteRows(t, number, id, now), now);
      await audiences.recordDeletion(t, last, now);
      t.announce(LABELS, id);
      await deleteUnusedSets(t, sets, now);
      return number;
    };
    const number = await database.freeing(() => database.write(remove, 'readCommitted'));
    try {
      await cleanup.removeUnusedFiles();
      await removeFeedbackOf(database, number);
      return null;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error;
    }
  }

  find(id: string): Promise<Campaign | null> {
    return findCampaign(this.#dependencies.database, id);
  }

  async findLabels(id: string): Promise<Labels | null> {
    return this.#labels.get(id);
  }

  get(id: string): Promise<Campaign> {
    return getCampaign(this.#dependencies.database, id);
  }

  list(query: CampaignQuery): Promise<CampaignPage> {
    return listCampaigns(this.#dependencies.database, query);
  }

  findAll(wanted: Parameters<Campaigns['findAll']>[0]): Promise<readonly Campaign[]> {
    return findCampaigns(this.#dependencies.database, wanted);
  }

  countsByState(): ReturnType<Campaigns['countsByState']> {
    return countsByState(this.#dependencies.database);
  }

  async #insert(
    input: NewCampaign,
    seeds: { readonly set: NewSet; readonly counts: SeedCounts } | null,
    once?: IdempotentRequest,
  ): Promise<Campaign> {
    const { database, expansions, setFiles, audit } = this.#dependencies;
    const id = randomUUID();
    const queue = await QueueTimes.read(database);
    return database.write(async (t) => {
      const now = this.#now();
      const times = queue.copy();
      // check the external id again, because another process may be using it by now
      await refuseTakenId(t, input.externalId);
      const features = { values: input.features, counts: input.featureCounts };
      const number = await insertRow(t, 'campaigns', {
        id,
        ...campaignWrites({ ...input, features }),
        created_at: now,
        updated_at: now,
      });
      audit.made(id);
      if (seeds !== null) {
        await setFiles.record(t, seeds.set, now);
        const { counts, set } = seeds;
        const { seedsConsentBasis: consentBasis = null } = input;
        const { weights } = set;
        const seed_counts = encodeCounts({ counts, weights, consentBasis, createdAt: now, updatedAt: now });
        await updateRow(t, 'campaigns', number, { seed_set: seeds.set.name, seed_counts });
        await expansions.insert(t, number, 'created', NO_FEEDBACK, times);
      }
      const campaign = await getCampaign(t, id, times);
      await keepAnswerOf(t, once, campaign, id, now);
      return campaign;
    }, 'readCommitted');
  }

  /**
   * Locks a campaign for deletion. If its id is damaged, it is found both by the id in the index and by the id in its
   * row, which lists show.
   * @throws AppError campaign_not_found
   */
  async #numberToDelete(t: Transaction, id: string): Promise<number> {
    try {
      return await getLocked(t, id);
    } catch (error) {
      // the expression prevents use of the index
      const select = "SELECT number FROM campaigns WHERE id || '' = @id";
      const row = await t.get<{ readonly number: number }>(select, { id });
      if (row === undefined) throw error;
      return row.number;
    }
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}

/** @throws AppError external_id_taken */
async function refuseTakenId(sql: Sql, externalId: string | null | undefined): Promise<void> {
  if (typeof externalId === 'string') refuseTaken(externalId, await idOf(sql, externalId));
}

/**
 * Describes a campaign that is about to be deleted. If its row is damaged, the result contains only the id that it was
 * found by and the version of the last change.
 */
async function lastOf(t: Transaction, number: number, id: string): Promise<LastOfCampaign> {
  if ((await t.findDamaged([['campaigns', { number }]])) === null)
    return (await t.get<LastOfCampaign>(
      'SELECT id, external_id AS "externalId", name, active_version AS version FROM campaigns WHERE number = @number',
      { number },
    ))!;
  const change = await t.get<{ readonly version: number | null }>(
    'SELECT version FROM changes WHERE campaign_id = @id ORDER BY number DESC LIMIT 1',
    { id },
  );
  return { id, externalId: null, name: '', version: change?.version ?? null };
}

/**
 * Deletes the rows of a campaign except feedback and user sets. Returns the folders of its rankings. The folders of
 * running expansions are recorded as unused here.
 */
async function deleteRows(t: Transaction, number: number, id: string, now: number): Promise<string[]> {
  const running = await t.all<{ readonly expansion: number; readonly token: number }>(
    `SELECT e.number AS expansion, j.token FROM jobs j JOIN expansions e ON e.number = j.expansion
     WHERE e.campaign = @number ${t.dialect.lock('j, e')}`,
    { number },
  );
  await t.run('DELETE FROM jobs WHERE expansion IN (SELECT number FROM expansions WHERE campaign = @number)', {
    number,
  });
  const rankings = await t.all<{ readonly folder: string }>(
    'DELETE FROM audiences WHERE campaign = @number RETURNING folder',
    { number },
  );
  for (const { expansion, token } of running) await recordEnd(t, expansion, token, now);
  // a damaged version row may name the wrong folder
  const expansions = await t.all<{ readonly expansion: string }>(
    'DELETE FROM expansions WHERE campaign = @number RETURNING id AS expansion',
    { number },
  );
  await t.run('DELETE FROM list_expiries WHERE campaign = @number', { number });
  await t.run('DELETE FROM campaigns WHERE number = @number', { number });
  const folders = expansions.map(({ expansion }) => rankingFolder(id, expansion));
  return [...new Set([...rankings.map(({ folder }) => folder), ...folders])];
}
