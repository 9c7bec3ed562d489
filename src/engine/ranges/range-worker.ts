/** Claims ranges of any expansion, scores them in the engine's threads, and leaves their parts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { SortSpace, writePart } from '../../audience/parts/write-part.ts';
import type { Blobs } from '../../domain/ports/blobs.ts';
import { partFolder, type RangeClaim, type RangeWork, rangeName } from '../../domain/ports/ranges.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';
import { Cancellation } from '../../lib/threads/cancellation.ts';
import { ThreadDied } from '../../lib/threads/thread-group.ts';
import { untilAnswered } from '../../lib/until-answered.ts';
import type { Population } from '../../population/read.ts';
import type { EngineModels, LoadedModel } from '../engine-models.ts';
import { reasonOf } from '../expansion/reasons.ts';
import { WorkTime } from '../expansion/work-time.ts';
import type { SharedTensor } from '../thread-tasks.ts';
import type { WorkList, WorkMark } from '../work-list.ts';
import { goldenLabel } from './distribution.ts';
import { type RangeCampaign, readInputs, readUnranked } from './range-inputs.ts';
import { RangeScores } from './range-scores.ts';
import type { Signal } from './signal.ts';

/** Interval at which an engine without work looks for ranges, if no event wakes it. */
const POLL_MS = 1000;
/** How long the engine waits after a store error. */
const STORE_ERROR_DELAY_MS = 1000;
/** How long a range waits after a failed attempt. */
const RETRY_DELAY_MS = 1000;
/** How long the engine leaves out the ranges of a model or population that it could not open. */
const LEFT_OUT_MS = 30_000;
/** Number of claims at a time: while the part of one is written, the threads score the segments of the next. */
const CLAIMS_AT_ONCE = 2;
/** Number of expansions whose restored parameters are kept for their next ranges. */
const KEPT_CAMPAIGNS = 8;

export interface RangeWorkerDependencies {
  readonly ranges: RangeWork;
  readonly blobs: Blobs;
  readonly models: Pick<EngineModels, 'has' | 'take' | 'giveBack' | 'prefetch' | 'isAdapting'>;
  /** The engine's id, which names it in claims and in the log. */
  readonly owner: string;
  readonly leaseMs: number;
  /** Maximum number of expansions whose ranges share a pass. */
  readonly most: number;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly logger: Logger;
  /** The folders of offers whose parts this engine will merge. */
  readonly own: ReadonlySet<string>;
  /** Notified when ranges may have been offered, and by this worker when one is finished. */
  readonly signal: Signal;
  readonly working: WorkList;
  hasRoom(): boolean;
  /** Called with the number of users of each scored segment. */
  readonly onScored: (users: number) => void;
  /** Called when the engine is refused for the ranges of a model, whose golden batch it scores differently. */
  readonly onRefused: (modelVersion: string) => void;
}

/** A campaign with its restored parameters. */
type RestoredCampaign = RangeCampaign & { readonly parameters: readonly SharedTensor[] };

export class RangeWorker {
  readonly #dependencies: RangeWorkerDependencies;
  readonly #held = new Map<RangeClaim, Cancellation>();
  readonly #campaigns = new LRUCache<string, Promise<RestoredCampaign>>({ max: KEPT_CAMPAIGNS });
  /** The labels of ranges that this engine leaves out, and until when (monotonic time). */
  readonly #leftOut = new Map<string, number>();
  readonly #space = new SortSpace();
  #claims = 0;
  #isDraining = false;

  constructor(dependencies: RangeWorkerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Claims no more ranges. Running ranges continue until the process ends. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Claims and scores ranges. This method ends only by throwing ThreadDied. */
  async run(): Promise<never> {
    const { ranges, signal, owner, most, logger, leaseMs } = this.#dependencies;
    const renewal = setInterval(() => void this.#renew(), leaseMs / 3);
    try {
      for (;;) {
        const seen = signal.count;
        try {
          const claims = this.#isFree() ? await ranges.claim({ owner, most, refused: this.#refused() }) : [];
          if (claims.length === 0) await signal.wait(POLL_MS, seen);
          else void this.#scoreClaims(claims);
        } catch (error) {
          logger.error({ err: error }, 'ranges could not be claimed');
          await sleep(STORE_ERROR_DELAY_MS);
        }
      }
    } finally {
      clearInterval(renewal);
    }
  }

  /** Adaptations run before segments, so a range that is claimed beside them would only be kept from other engines. */
  #isFree(): boolean {
    const { models, hasRoom } = this.#dependencies;
    return !this.#isDraining && this.#claims < CLAIMS_AT_ONCE && !models.isAdapting && hasRoom();
  }

  #refused(): string[] {
    const now = this.#dependencies.clock.elapsed();
    for (const [label, until] of this.#leftOut) if (until <= now) this.#leftOut.delete(label);
    return [...this.#leftOut.keys()];
  }

  /** Renews the leases, and cancels the work of claims that are no longer valid. */
  async #renew(): Promise<void> {
    const held = [...this.#held.keys()];
    if (held.length === 0) return;
    try {
      const renewed = new Set(await this.#dependencies.ranges.renew(held));
      for (const claim of held) if (!renewed.has(claim)) this.#held.get(claim)?.cancel();
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'the leases of ranges could not be renewed');
    }
  }

  /** Scores claims of the same segments, which share a pass. Never rejects. */
  async #scoreClaims(claims: readonly RangeClaim[]): Promise<void> {
    const { models, signal, logger } = this.#dependencies;
    const [{ modelVersion, populationVersion, range }] = claims as [RangeClaim];
    this.#claims += 1;
    for (const claim of claims) this.#held.set(claim, new Cancellation());
    try {
      const model = await models.take(modelVersion);
      try {
        const own = await this.#keepOwn(claims, model);
        const population = await model.openPopulation(populationVersion);
        // while these segments are fetched, the threads score those of the other claims
        const release = await models.prefetch(populationVersion, range.from, range.to);
        try {
          await Promise.all(own.map((claim) => this.#scoreClaim(claim, model, population)));
        } finally {
          release();
        }
      } finally {
        models.giveBack(modelVersion);
      }
    } catch (error) {
      // the engine of a dead thread ends, and its claims expire
      if (error instanceof ThreadDied) return;
      const facts = { err: error, model: modelVersion, population: populationVersion };
      logger.error(facts, 'ranges cannot be scored by this engine for now');
      await this.#leaveOut(claims, this.#dependencies.clock.elapsed() + LEFT_OUT_MS);
    } finally {
      for (const claim of claims) this.#held.delete(claim);
      this.#claims -= 1;
      signal.notify();
    }
  }

  /** The claims whose scores this engine computes like their owner; the others are given back for good. */
  async #keepOwn(claims: readonly RangeClaim[], model: LoadedModel): Promise<readonly RangeClaim[]> {
    const { owner, logger, onRefused } = this.#dependencies;
    const label = goldenLabel(model);
    const others = claims.filter(({ golden }) => golden !== label);
    if (others.length === 0) return claims;
    const facts = { engine: owner, model: model.version, computed: label, expected: others[0]!.golden };
    logger.warn(facts, 'this engine is refused for ranges because it scores the golden batch differently');
    onRefused(model.version);
    await this.#leaveOut(others, Number.POSITIVE_INFINITY);
    return claims.filter(({ golden }) => golden === label);
  }

  async #leaveOut(claims: readonly RangeClaim[], until: number): Promise<void> {
    for (const { golden } of claims) this.#leftOut.set(golden, until);
    try {
      await this.#dependencies.ranges.refuse(claims);
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, 'ranges could not be given back, so their leases will expire');
    }
    for (const claim of claims) this.#held.delete(claim);
  }

  /** Scores one claim. Rejects only with ThreadDied. */
  async #scoreClaim(claim: RangeClaim, model: LoadedModel, population: Population): Promise<void> {
    const { ranges, blobs, logger, working } = this.#dependencies;
    const cancellation = this.#held.get(claim)!;
    const folder = partFolder(claim.folder, claim.number, claim);
    const mark = working.mark(rangeName(claim));
    try {
      const { candidates, ...result } = await this.#score(claim, model, population, { cancellation, mark });
      cancellation.check();
      mark.begin();
      const isReadHere = this.#dependencies.own.has(claim.folder);
      await writePart(blobs, folder, candidates, { isReadHere, space: this.#space });
      mark.close();
      const finished = { ...result, candidates: candidates.userNumbers.length };
      const isFirst = await untilAnswered(
        () => ranges.finish(claim, finished),
        () => cancellation.check(),
      );
      if (!isFirst) await blobs.delete(folder);
    } catch (error) {
      if (error instanceof ThreadDied) throw error;
      mark.close();
      const isWanted = !cancellation.isCancelled;
      cancellation.cancel(); // the other segments of this range
      if (!isWanted) return;
      const { expansionId: expansion, number: range } = claim;
      logger.error({ err: error, expansion, range }, 'a range could not be scored');
      const told = ranges.fail(claim, reasonOf(error, true), RETRY_DELAY_MS);
      await told.catch((err: unknown) =>
        logger.warn({ err }, 'a range could not be put back, so its lease will expire'),
      );
    } finally {
      this.#held.delete(claim);
    }
  }

  async #score(
    claim: RangeClaim,
    { pool }: LoadedModel,
    population: Population,
    { cancellation, mark }: { readonly cancellation: Cancellation; readonly mark: WorkMark },
  ) {
    const { blobs, clock, onScored } = this.#dependencies;
    const { range, folder: modelKey } = claim;
    mark.begin();
    const campaign = await this.#campaignOf(claim, pool);
    mark.end();
    const unranked = await readUnranked(blobs, claim.folder, range);
    const scores = new RangeScores(range, population);
    const time = new WorkTime(clock, mark);
    let batchSize = 0;
    const segments = Array.from({ length: range.to - range.from }, (_, i) => range.from + i);
    await Promise.all(
      segments.map(async (segment) => {
        const { begin, pass, end } = time.task();
        const task = { kind: 'score', populationVersion: population.version, segment, modelKey, ...campaign } as const;
        const result = await pool.score(task, { cancellation, onBegin: begin });
        pass('scoring');
        end();
        scores.add(segment, result, unranked(segment));
        batchSize = result.batchSize;
        onScored(result.scores.length);
      }),
    );
    return { candidates: scores.candidates(), threadSeconds: time.seconds.scoring, batchSize };
  }

  /** The campaign of a claim, with its parameters restored from customised.bin, bit by bit. */
  async #campaignOf({ folder }: RangeClaim, pool: LoadedModel['pool']): Promise<RestoredCampaign> {
    const kept = this.#campaigns.get(folder);
    if (kept !== undefined) return kept;
    const restoring = this.#restore(folder, pool);
    this.#campaigns.set(folder, restoring);
    try {
      return await restoring;
    } catch (error) {
      // the cause of the failure may be gone at the next attempt
      if (this.#campaigns.peek(folder) === restoring) this.#campaigns.delete(folder);
      throw error;
    }
  }

  async #restore(folder: string, pool: LoadedModel['pool']): Promise<RestoredCampaign> {
    const { customised, ...campaign } = await readInputs(this.#dependencies.blobs, folder);
    const { parameters } = await pool.restore({ kind: 'restore', customised }, {});
    return { ...campaign, parameters };
  }
}
