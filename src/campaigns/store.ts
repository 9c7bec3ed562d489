/** The store of campaigns, expansions, audiences and jobs: one connection to the data folder's SQLite, used by the API process and by the engine process alike. */
import { randomUUID } from 'node:crypto';
import { isAbsolute, join, normalize, resolve } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { createFolder, storageError, syncFolder } from '../lib/durable-files.ts';
import { AppError, assert } from '../lib/errors.ts';
import { Audiences, campaignNotFound } from './audiences.ts';
import { Campaigns } from './campaigns.ts';
import { type Database, openDatabase, write } from './database.ts';
import { Expansions } from './expansions.ts';
import { type JobRow, Jobs } from './jobs.ts';
import { countSeeds } from './seeds.ts';
import type { ExpansionState } from './states.ts';
import type {
  ActiveAudience,
  Campaign,
  CampaignPage,
  CampaignQuery,
  ExpansionResult,
  Job,
  NewCampaign,
  Pins,
  Reason,
} from './types.ts';
import { writeUserSet } from './user-set-writer.ts';
import { readUserSet } from './user-sets.ts';

export interface StoreOptions {
  readonly clock: Clock;
  /** Fewer known seeds than this make an expansion too_small. */
  readonly minimumSeeds: number;
  /** How long a claim or a renewal keeps others away. */
  readonly leaseMs: number;
  /** Claims of a job before it is given up. */
  readonly maximumAttempts: number;
}

/**
 * Every method either has its effect on the disk when it returns, or throws and had none: AppError storage_failed (disk full,
 * read-only, I/O error) or unavailable (another process writes for too long). A job is `Job` of one claim; a method that takes
 * one says false where that claim no longer holds: another was made, or the job is done. The work is then to be dropped.
 */
export class CampaignStore {
  readonly #options: StoreOptions;
  readonly #database: Database;
  readonly #seedFolder: string;
  readonly #campaigns: Campaigns;
  readonly #expansions: Expansions;
  readonly #audiences: Audiences;
  readonly #jobs: Jobs;

  private constructor(dataDir: string, database: Database, options: StoreOptions) {
    this.#options = options;
    this.#database = database;
    this.#seedFolder = join(dataDir, 'seeds');
    this.#campaigns = new Campaigns(database);
    this.#expansions = new Expansions(database);
    this.#audiences = new Audiences(database, dataDir);
    this.#jobs = new Jobs(database);
  }

  /**
   * Opens the data folder (created where missing) and migrates its database; any number of processes may do so at once.
   * @throws AppError storage_failed; invalid_argument where the database is not one, or of a newer version.
   */
  static open(dataDir: string, options: StoreOptions): CampaignStore {
    const absolute = resolve(dataDir);
    try {
      createFolder(absolute);
      const database = openDatabase(join(absolute, 'metaheac.db'));
      syncFolder(absolute);
      return new CampaignStore(absolute, database, options);
    } catch (error) {
      throw storageError(`open data folder ${absolute}`, error);
    }
  }

  /**
   * Records a campaign with its seeds and queues its first expansion; with too few known seeds that expansion is too_small at once.
   * @throws AppError external_id_taken (facts: campaign_id)
   */
  create(input: NewCampaign, isKnown: (userId: string) => boolean): Campaign {
    this.#refuseTaken(input.externalId);
    const { userIds, counts } = countSeeds(input.seeds, isKnown);
    const reason = this.#tooFewSeeds(counts.known);
    const seedSet = writeUserSet(this.#seedFolder, userIds);
    const id = randomUUID();
    const now = this.#now();
    try {
      write(this.#database, () => {
        // once more: another process may have taken it since
        this.#refuseTaken(input.externalId);
        seedSet.publish();
        const campaign = this.#campaigns.insert(id, input, now);
        const state = reason === null ? 'queued' : 'too_small';
        const expansion = this.#expansions.insert({
          id: randomUUID(),
          campaign,
          state,
          reason,
          seedSet,
          seeds: counts,
          now,
        });
        if (reason === null) this.#jobs.insert(randomUUID(), expansion, now);
      });
    } finally {
      seedSet.discard();
    }
    return this.get(id);
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

  /** The newest audience, cached. @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds) */
  activeAudience(id: string): ActiveAudience {
    return this.#audiences.active(id);
  }

  /** The audience that a cursor names. @throws AppError campaign_not_found, invalid_cursor */
  audienceVersion(id: string, version: number): ActiveAudience {
    return this.#audiences.version(id, version);
  }

  /** Campaigns by the state of their latest expansion; every state has an entry. */
  countsByState(): Record<ExpansionState, number> {
    return this.#campaigns.countsByState();
  }

  /** How long the first of the jobs that nobody works at has waited; 0 where there is none. */
  oldestQueuedSeconds(): number {
    const now = this.#now();
    return Math.max(0, now - (this.#jobs.oldestQueuedAt(now) ?? now)) / 1000;
  }

  /**
   * Leases the first claimable job of the queue to `owner` (`<pid>:<uuid>`); null where there is none. The expansion is queued
   * again until the owner advances it. Jobs whose last attempt died with its lease end as failed, reason crashed.
   */
  claim(owner: string): Job | null {
    const now = this.#now();
    // An idle engine asks often, and a read takes no lock.
    if (!this.#jobs.anyClaimable(now)) return null;
    return write(this.#database, () => {
      for (const row of this.#jobs.exhausted(now, this.#options.maximumAttempts)) this.#giveUp(row, now);
      const row = this.#jobs.lease(owner, now, this.#options.leaseMs);
      if (row === undefined) return null;
      this.#expansions.step(row.expansion, 'queued', now, { reason: null });
      return { ...this.#jobs.describe(row), pins: this.#expansions.pinsOf(row.expansion) };
    });
  }

  /** Starts the lease anew. */
  renew(job: Job): boolean {
    return this.#whileHeld(job, (row) => this.#jobs.extend(row.id, this.#now() + this.#options.leaseMs));
  }

  /** Fixes the versions that the expansion works with, and gives those that hold: the first attempt's. */
  pin(job: Job, pins: Pins): Pins {
    let held = pins;
    this.#whileHeld(job, (row) => {
      this.#expansions.pin(row.expansion, pins, this.#now());
      held = this.#expansions.pinsOf(row.expansion) ?? pins;
    });
    return held;
  }

  /** Writes the stage and the progress reached; progress (0..1) never falls. */
  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean {
    return this.#whileHeld(job, (row) => {
      const state = change.state ?? this.#expansions.stateOf(row.expansion);
      this.#expansions.step(row.expansion, state, this.#now(), { reason: null, progress: change.progress ?? 0 });
    });
  }

  /** The set of seeds, sorted, known or not. @throws AppError storage_failed where the file is gone or altered */
  readSeeds(job: Job): string[] {
    return readUserSet(this.#seedFolder, this.#expansions.seedSetOf(job.expansionId));
  }

  /** Publishes the ranking as the campaign's next audience version and ends the job. The expansion must be scoring, and pinned. */
  finish(job: Job, result: ExpansionResult): boolean {
    assert(result.candidates >= 1, 'a ranking without candidates is not an audience');
    assert(
      !isAbsolute(result.folder) && !normalize(result.folder).startsWith('..'),
      `ranking folder ${result.folder} is relative to the data folder`,
    );
    const finished = this.#whileHeld(job, (row) => {
      const { timings, quality } = result;
      this.#expansions.step(row.expansion, 'ready', this.#now(), { reason: null, progress: 1, timings, quality });
      this.#audiences.insert(row.expansion, result, this.#now());
      this.#jobs.remove(row.id);
    });
    this.#audiences.forget();
    return finished;
  }

  /** Ends the expansion without an audience. */
  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Readonly<Record<string, number>>): boolean {
    return this.#whileHeld(job, (row) => this.#endWith(row, state, this.#now(), reason, timings));
  }

  /** Back to the queue, not before `delayMs` have passed, `reason` shown meanwhile; failed with it where the attempts are used up. */
  retryLater(job: Job, reason: Reason, delayMs: number): boolean {
    return this.#whileHeld(job, (row) => {
      const now = this.#now();
      if (row.attempt >= this.#options.maximumAttempts) this.#endWith(row, 'failed', now, reason);
      else this.#requeue(row, now, now + delayMs, reason);
    });
  }

  /**
   * Gives back what an ended engine held, without waiting for its leases; gives the number of jobs. The attempts of one that died stay
   * counted; one that was stopped on purpose is not to blame.
   */
  releaseOwner(owner: string, how: 'died' | 'stopped' = 'died'): number {
    const now = this.#now();
    return write(this.#database, () => {
      const rows = this.#jobs.ownedBy(owner);
      for (const row of rows) {
        if (how === 'stopped') {
          this.#requeue(row, now, now, null);
          this.#jobs.forgetAttempt(row.id);
        } else if (row.attempt >= this.#options.maximumAttempts) this.#giveUp(row, now);
        else this.#requeue(row, now, now, null);
      }
      return rows.length;
    });
  }

  /** `releaseOwner` for every owner: what the start of a service does first. Whoever holds a job then is of a service that ended. */
  releaseAll(): number {
    return this.#jobs.owners().reduce((released, owner) => released + this.releaseOwner(owner), 0);
  }

  close(): void {
    this.#database.close();
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

  #now(): number {
    return this.#options.clock.now();
  }

  #tooFewSeeds(known: number): Reason | null {
    const minimum = this.#options.minimumSeeds;
    if (known >= minimum) return null;
    const message = `${known} of the seeds are in the population, at least ${minimum} are needed`;
    return { code: 'too_few_seeds', message, known, minimum };
  }

  /** Runs `work` in a transaction if this claim of the job still holds. */
  #whileHeld(job: Job, work: (row: JobRow) => void): boolean {
    return write(this.#database, () => {
      const row = this.#jobs.held(job);
      if (row === undefined) return false;
      work(row);
      return true;
    });
  }

  #requeue(row: JobRow, now: number, runAfter: number, reason: Reason | null): void {
    this.#expansions.step(row.expansion, 'queued', now, { reason });
    this.#jobs.requeue(row.id, runAfter);
  }

  #giveUp(row: JobRow, now: number): void {
    const message = `the engine died in each of ${row.attempt} attempts`;
    this.#endWith(row, 'failed', now, { code: 'crashed', message, attempts: row.attempt });
  }

  #endWith(
    row: JobRow,
    state: 'too_small' | 'failed',
    now: number,
    reason: Reason,
    timings?: Readonly<Record<string, number>>,
  ): void {
    this.#expansions.step(row.expansion, state, now, { reason, timings });
    this.#jobs.remove(row.id);
  }
}
