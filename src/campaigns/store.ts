/** The store of campaigns, expansions, audiences and jobs: one connection to the data folder's SQLite, used by the API process and by the engine process alike. */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { createFolder, storageError, syncFolder } from '../lib/durable-files.ts';
import { AppError, assert } from '../lib/errors.ts';
import { Audiences, campaignNotFound } from './audiences.ts';
import { type CampaignInputs, Campaigns } from './campaigns.ts';
import { type Changes, listChanges } from './changes.ts';
import { openDatabase, write } from './database.ts';
import { Expansions, expansionNotFound } from './expansions.ts';
import { Feedback, type FeedbackCounts, type FeedbackReport, type FeedbackSets, NO_FEEDBACK } from './feedback.ts';
import { findAnswer, forgetAnswers, keepAnswer } from './idempotency.ts';
import { JobStore, type StoreOptions } from './job-store.ts';
import { removeUnusedFolders } from './ranking-folders.ts';
import { countSeeds } from './seeds.ts';
import { recordSet } from './set-rows.ts';
import { type ExpansionState, isEnd } from './states.ts';
import type {
  Audience,
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  Cause,
  Expansion,
  ExpansionSets,
  FeedbackEvent,
  IdempotentRequest,
  NewCampaign,
  Page,
  PageQuery,
  Reason,
} from './types.ts';
import { UserSets } from './user-set-store.ts';
import { type WrittenSet, writeUserSet } from './user-set-writer.ts';
import { SEED_FOLDER, userSetBlocks } from './user-sets.ts';
import type { CallerEvent } from './webhook-types.ts';
import { Webhooks } from './webhooks.ts';

export type { StoreOptions } from './job-store.ts';

/** What is kept of audience versions that are not active. */
export interface Retention {
  /** Versions of a campaign, the newest. */
  readonly versions: number;
  readonly days: number;
}

const DAY_MS = 24 * 3600 * 1000;

/**
 * Every method either has its effect on the disk when it returns, or throws and had none: AppError storage_failed (disk full,
 * read-only, I/O error) or unavailable (another process writes for too long).
 */
export class CampaignStore extends JobStore {
  /** Seeds and suppression lists of any size. */
  readonly userSets: UserSets;
  readonly #dataDir: string;
  readonly #seedFolder: string;
  readonly #campaigns: Campaigns;
  readonly #feedback: Feedback;
  /** Who is told how expansions end, and what callers do to audiences. */
  readonly webhooks: Webhooks;

  private constructor(dataDir: string, options: StoreOptions) {
    const database = openDatabase(join(dataDir, 'metaheac.db'));
    super(database, new Expansions(database), new Audiences(database, dataDir), options);
    this.#dataDir = dataDir;
    this.#seedFolder = join(dataDir, SEED_FOLDER);
    this.userSets = new UserSets(database, this.#seedFolder, () => this.now());
    this.#campaigns = new Campaigns(database);
    this.#feedback = new Feedback(database, this.#seedFolder);
    this.webhooks = new Webhooks(database);
  }

  /**
   * Opens the data folder (created where missing) and migrates its database; any number of processes may do so at once.
   * @throws AppError storage_failed; invalid_argument where the database is not one, or of a newer version.
   */
  static open(dataDir: string, options: StoreOptions): CampaignStore {
    const absolute = resolve(dataDir);
    try {
      createFolder(absolute);
      const store = new CampaignStore(absolute, options);
      syncFolder(absolute);
      return store;
    } catch (error) {
      throw storageError(`open data folder ${absolute}`, error);
    }
  }

  /**
   * Records a campaign; with seeds, queues its first expansion, which is too_small at once where too few of them are known.
   * @throws AppError external_id_taken (facts: campaign_id)
   */
  create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Campaign {
    this.#refuseTaken(input.externalId);
    const seeds = input.seeds && countSeeds(input.seeds, isKnown);
    const seedSet = seeds && writeUserSet(this.#seedFolder, seeds.userIds);
    const id = randomUUID();
    const now = this.now();
    try {
      return write(this.database, () => {
        // once more: another process may have taken it since
        this.#refuseTaken(input.externalId);
        const number = this.#campaigns.insert(id, input, now);
        if (seeds && seedSet) {
          this.#campaigns.setSeeds(number, seedSet, seeds.counts, now);
          this.#insertExpansion(this.#campaigns.inputs(number), 'created', NO_FEEDBACK, now);
        }
        const campaign = this.get(id);
        if (once) keepAnswer(this.database, { ...once, campaignId: id, answer: once.answer(campaign) }, now);
        return campaign;
      });
    } finally {
      seedSet?.discard();
    }
  }

  /** The answer that a request of this key got in the last day; null where it is new. @throws AppError idempotency_key_reused */
  answerOf({ key, requestSha256 }: Pick<IdempotentRequest, 'key' | 'requestSha256'>): string | null {
    return findAnswer(this.database, key, requestSha256, this.now());
  }

  /** Changes what is named. Another size of the audience is another version of its ranking, active at once; inputs wait for an expansion. */
  update(id: string, change: CampaignChange): Campaign {
    return write(this.database, () => {
      const number = this.#numberOf(id);
      const before = this.get(id);
      if (change.externalId !== before.externalId) this.#refuseTaken(change.externalId);
      const now = this.now();
      this.#campaigns.update(number, change, now);
      if (change.audience) this.audiences.resize(number, change.audience, now);
      return this.#tellOfAnother('campaign.resized', number, before, now);
    });
  }

  /** Removes a campaign with its expansions, audiences and files; work at it is dropped. `removeUnusedFeedback` is to follow. @throws AppError campaign_not_found */
  delete(id: string): void {
    write(this.database, () => {
      const number = this.#numberOf(id);
      const now = this.now();
      this.audiences.recordDeletion(number, now);
      this.outbox.audienceChanged('campaign.deleted', number, this.get(id).audienceVersion, now);
      this.#campaigns.delete(number);
    });
    this.removeUnusedFiles();
    this.userSets.removeUnused();
  }

  find(id: string): Campaign | null {
    return this.#campaigns.find(id);
  }

  /** @throws AppError campaign_not_found */
  get(id: string): Campaign {
    const campaign = this.find(id);
    if (campaign === null) throw campaignNotFound(id);
    return campaign;
  }

  /** Newest first. @throws AppError invalid_cursor */
  list(query: CampaignQuery): CampaignPage {
    assert(Number.isSafeInteger(query.limit) && query.limit >= 1, `a page of ${query.limit} campaigns`);
    return this.#campaigns.list(query);
  }

  /** Campaigns by the state of their latest expansion; every state has an entry. */
  countsByState(): Record<ExpansionState, number> {
    return this.#campaigns.countsByState();
  }

  /**
   * Queues an expansion of the campaign's inputs as they are now; one that has not ended is superseded. Feedback is made sets of in slices.
   * @throws AppError campaign_not_found, no_seeds, unavailable
   */
  async expand(id: string): Promise<Expansion> {
    return (await this.#expand(id, 'requested'))!;
  }

  /** Queues the expansions that refresh policies ask for by now; gives their number. One that cannot be queued keeps no other from it. */
  async expandDue(populationVersion: string): Promise<number> {
    const errors: unknown[] = [];
    let queued = 0;
    for (const { id, cause } of this.#campaigns.dueForRefresh(this.now(), populationVersion)) {
      try {
        // one that was deleted, or expanded by a call, while those before it were queued is due no more
        if (this.find(id) !== null && (await this.#expand(id, cause)) !== null) queued += 1;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return queued;
  }

  /** Ends an expansion that has not ended; one that was cancelled already is given as it is. @throws AppError campaign_not_found, expansion_not_found, expansion_ended (facts: state) */
  cancel(campaignId: string, expansionId: string): Expansion {
    return write(this.database, () => {
      this.#numberOf(campaignId);
      const number = this.expansions.numberOf(campaignId, expansionId);
      if (number === undefined) throw expansionNotFound(campaignId, expansionId);
      const state = this.expansions.stateOf(number);
      if (!isEnd(state)) this.#stop(number, 'cancelled', this.now());
      else if (state !== 'cancelled')
        throw new AppError('expansion_ended', `the expansion is ${state} already`, { facts: { state } });
      return this.expansions.get(campaignId, expansionId);
    });
  }

  /** @throws AppError campaign_not_found, expansion_not_found */
  expansion(campaignId: string, expansionId: string): Expansion {
    this.#numberOf(campaignId);
    return this.expansions.get(campaignId, expansionId);
  }

  /** Newest first. @throws AppError campaign_not_found, invalid_cursor */
  expansionsOf(campaignId: string, query: PageQuery): Page<Expansion> {
    this.#numberOf(campaignId);
    return this.expansions.list(campaignId, query);
  }

  /**
   * What users did in a campaign: the next expansion learns from it. Written in slices: where this throws some may be taken, and sent again they
   * change nothing.
   * @throws AppError campaign_not_found, unavailable
   */
  addFeedback(id: string, events: readonly FeedbackEvent[]): Promise<FeedbackReport> {
    return this.#feedback.add(id, events);
  }

  /** Users by their last event. @throws AppError campaign_not_found */
  feedbackOf(id: string): FeedbackCounts {
    return this.#feedback.counts(id);
  }

  /** Removes, in slices, the feedback of campaigns that were deleted. */
  removeUnusedFeedback(): Promise<void> {
    return this.#feedback.removeUnused();
  }

  /** The active audience, cached. @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds) */
  activeAudience(id: string): Audience {
    return this.audiences.active(id);
  }

  /** Of all campaigns, cached; oldest campaign first. */
  activeAudiences(): readonly Audience[] {
    return this.audiences.allActive();
  }

  /** @throws AppError campaign_not_found, audience_not_found */
  audienceVersion(id: string, version: number): Audience {
    return this.audiences.version(id, version);
  }

  /** Newest first. @throws AppError campaign_not_found, invalid_cursor */
  audienceVersions(id: string, query: PageQuery): Page<Audience> {
    return this.audiences.list(id, query);
  }

  /** Makes a version that is kept the active one. @throws AppError campaign_not_found, audience_not_found */
  activate(id: string, version: number): Audience {
    write(this.database, () => {
      const number = this.#numberOf(id);
      const before = this.get(id);
      const now = this.now();
      this.audiences.activate(number, version, now);
      this.#tellOfAnother('campaign.activated', number, before, now);
    });
    return this.activeAudience(id);
  }

  /** Changes of active versions after a cursor, oldest first. @throws AppError invalid_cursor */
  changes(since: string | undefined, limit: number): Changes {
    return listChanges(this.database, since, limit);
  }

  /** The user sets that an audience version's ranking was made with. @throws AppError expansion_not_found */
  setsOf({ expansionId }: Pick<Audience, 'expansionId'>): ExpansionSets {
    return this.expansions.setsOfId(expansionId);
  }

  /**
   * The users of a set, sorted, a block at a time.
   * @throws AppError storage_failed where the file is gone, or, after the last block, where it was altered
   */
  setBlocks(sha256: string): Generator<string[], void, void> {
    return userSetBlocks(this.#seedFolder, sha256);
  }

  /** Forgets what is old: audience versions beyond the retention, expansions of none with their sets, and answers to requests that will not come again. */
  prune({ versions, days }: Retention): void {
    const now = this.now();
    write(this.database, () => {
      this.audiences.prune(versions, now - days * DAY_MS);
      this.expansions.prune(versions, now - days * DAY_MS);
      forgetAnswers(this.database, now);
    });
    this.audiences.forget();
    this.removeUnusedFiles();
    this.userSets.removeUnused();
  }

  /** Removes ranking folders of no version and no work. */
  removeUnusedFiles(): void {
    removeUnusedFolders(this.#dataDir, () => {
      // in this order: what is finished between the two is in both
      const running = this.expansions.running();
      return { running, kept: this.audiences.folders() };
    });
  }

  close(): void {
    this.database.close();
  }

  /** The campaign as it is now; webhooks are told where another version is active than `before`. */
  #tellOfAnother(type: CallerEvent, number: number, before: Campaign, now: number): Campaign {
    const campaign = this.get(before.id);
    if (campaign.audienceVersion !== before.audienceVersion)
      this.outbox.audienceChanged(type, number, before.audienceVersion, now);
    return campaign;
  }

  #numberOf(id: string): number {
    const number = this.#campaigns.numberOf(id);
    if (number === undefined) throw campaignNotFound(id);
    return number;
  }

  /** null where the refresh policy asked for it, and another was made meanwhile. */
  async #expand(id: string, cause: Cause): Promise<Expansion | null> {
    const number = this.#numberOf(id);
    if (this.#campaigns.inputs(number).seedSet === null) throw noSeeds();
    const queue = (sets: FeedbackSets) =>
      write(this.database, () => {
        this.#numberOf(id);
        const now = this.now();
        const running = this.expansions.runningOf(number);
        if (running !== undefined && cause !== 'requested') return null;
        if (running !== undefined) this.#stop(running, 'superseded', now);
        return this.expansions.get(id, this.#insertExpansion(this.#campaigns.inputs(number), cause, sets, now));
      });
    const { conversion, click, dismissal } = this.feedbackOf(id);
    return conversion + click + dismissal === 0 ? queue(NO_FEEDBACK) : this.#feedback.snapshot(number, queue);
  }

  /** Gives the id of the expansion, which has a job unless there are too few seeds. */
  #insertExpansion(inputs: CampaignInputs, cause: Cause, sets: FeedbackSets, now: number): string {
    const { seedSet } = inputs;
    if (seedSet === null) throw noSeeds();
    const id = randomUUID();
    const referenceTo = (set: WrittenSet | null) => {
      if (set !== null) recordSet(this.database, set, now);
      return { set: set?.sha256 ?? null, users: set?.users ?? 0 };
    };
    const positives = referenceTo(sets.positives);
    // counted just now; later the population may be another, and the engine counts
    const reason = cause === 'created' ? this.#tooFewSeeds(inputs.seeds.known) : null;
    const state = reason === null ? 'queued' : 'too_small';
    const dismissed = referenceTo(sets.dismissed);
    const row = { id, cause, state, reason, inputs: { ...inputs, seedSet }, positives, dismissed } as const;
    const expansion = this.expansions.insert(row, now);
    if (reason === null) this.jobs.insert(randomUUID(), expansion, now);
    else this.outbox.expansionEnded(expansion, now);
    return id;
  }

  #stop(expansion: number, state: 'cancelled' | 'superseded', now: number): void {
    this.expansions.step(expansion, state, now, { reason: null });
    this.jobs.removeOf(expansion);
  }

  #refuseTaken(externalId: string | null | undefined): void {
    const id = typeof externalId === 'string' ? this.#campaigns.idOf(externalId) : undefined;
    if (id === undefined) return;
    const message = `campaign ${id} has this external id`;
    throw new AppError('external_id_taken', message, {
      details: [{ pointer: '/external_id', value: externalId, message }],
      facts: { campaign_id: id },
    });
  }

  #tooFewSeeds(known: number): Reason | null {
    const minimum = this.options.minimumSeeds;
    if (known >= minimum) return null;
    const message = `${known} of the seeds are in the population, at least ${minimum} are needed`;
    return { code: 'too_few_seeds', message, known, minimum };
  }
}

function noSeeds(): AppError {
  return new AppError('no_seeds', 'the campaign has no seeds yet: send some first');
}
