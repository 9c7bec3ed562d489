/** Reports on one attempt at an expansion: in the log, in trace spans, and as progress in the store. */
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Timings } from '../../domain/run-facts.ts';
import type { Job, Reason } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';
import { type Span, type Tracer, traceFields } from '../../lib/tracing.ts';
import type { WorkMark } from '../work-list.ts';
import type { ExpansionObserver } from './adapt-and-score.ts';
import { requireLease } from './reasons.ts';

/** The stages of an attempt, in chronological order. */
const STAGES = ['finding', 'adapting', 'scoring', 'ranking'];

/** Minimum interval between two writes of progress. */
const PROGRESS_EVERY_MS = 1000;

export interface Outcome {
  /**
   * How an attempt ended. `lost`: the job has another owner or was deleted, and the work of this attempt was dropped.
   * `retry`: the job is queued again or, if this was the last attempt, the expansion failed.
   */
  readonly kind: 'ready' | 'too_small' | 'failed' | 'retry' | 'lost';
  readonly reason?: Reason;
  /** Set if the kind is `ready`. */
  readonly timings?: Timings;
  /** Details for the log; callers of the API do not see them. */
  readonly error?: unknown;
}

interface AttemptWatchDependencies {
  readonly store: Pick<CampaignStore, 'advance' | 'renew'>;
  readonly logger: Logger;
  /** The tracer; null if tracing is off. */
  readonly tracer: Tracer | null;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
  /** Called with the number of users whose scores were computed. */
  readonly onScored: (users: number) => void;
  readonly mark: WorkMark;
}

export class AttemptWatch implements ExpansionObserver {
  /** The job, with this attempt's span as the parent of its events. */
  readonly job: Job;
  readonly mark: WorkMark;
  /** Seconds of the wait in the queue and of each completed stage. */
  readonly timings: Record<string, number> = {};
  readonly #dependencies: AttemptWatchDependencies;
  readonly #logger: Logger;
  readonly #span: Span | null;
  #stagesEnded = 0;
  #stageStart = 0;
  #lastProgress = 0;

  constructor(job: Job, dependencies: AttemptWatchDependencies) {
    const { campaignId: campaign, expansionId: expansion, attempt } = job;
    const { tracer, clock } = dependencies;
    this.#dependencies = dependencies;
    this.mark = dependencies.mark;
    if (attempt === 1)
      tracer?.start({ name: 'queued', kind: 'internal', parent: job.traceparent, at: job.queuedAt }).end();
    this.#span =
      tracer?.start({
        name: 'expansion',
        kind: 'consumer',
        parent: job.traceparent,
        attributes: { 'metaheac.campaign': campaign, 'metaheac.expansion': expansion, 'metaheac.attempt': attempt },
        at: clock.now(),
      }) ?? null;
    this.job = { ...job, traceparent: this.#span?.traceparent ?? job.traceparent };
    const trace = traceFields(this.job.traceparent);
    this.#logger = dependencies.logger.child({ campaign, expansion, attempt, ...trace });
  }

  /** Begins the first stage. */
  begin(): void {
    this.#stageStart = this.#lastProgress = this.#dependencies.clock.elapsed();
  }

  /** Records and reports the seconds since the previous stage ended. */
  stageEnded(stage: string): void {
    const { tracer, clock } = this.#dependencies;
    const now = clock.elapsed();
    const seconds = (now - this.#stageStart) / 1000;
    this.timings[stage] = seconds;
    this.#stageStart = now;
    this.#stagesEnded += 1;
    this.#logger.debug({ stage, seconds }, 'stage ended');
    const parent = this.#span?.traceparent ?? null;
    tracer?.start({ name: stage, kind: 'internal', parent, at: clock.now() - seconds * 1000 }).end();
  }

  onResumed(segments: number): void {
    this.#logger.info({ segments }, 'expansion resumed from a checkpoint');
  }

  /** Writes progress to the store, at most once a second. */
  onProgress(progress: number): void {
    const { store, clock } = this.#dependencies;
    if (clock.elapsed() - this.#lastProgress < PROGRESS_EVERY_MS) return;
    this.#lastProgress = clock.elapsed();
    // if the store cannot be written, the next stage reports the error
    store.advance(this.job, { progress }).catch(() => {});
  }

  async onAdapted(progress: number): Promise<void> {
    this.stageEnded('adapting');
    requireLease(await this.#dependencies.store.advance(this.job, { state: 'scoring', progress }));
  }

  onScored(users: number): void {
    this.#dependencies.onScored(users);
  }

  async onAllScored(): Promise<void> {
    this.stageEnded('scoring');
    this.mark.begin();
    requireLease(await this.#dependencies.store.renew(this.job));
  }

  leaseNotRenewed(error: unknown): void {
    this.#logger.warn({ err: error }, 'a lease could not be renewed');
  }

  /** Logs the outcome. If the expansion is not ready, the log line contains the stage in which the attempt ended. */
  ended({ kind, reason, error }: Pick<Outcome, 'kind' | 'reason' | 'error'>): void {
    const stage = kind === 'ready' ? undefined : (STAGES[this.#stagesEnded] ?? STAGES.at(-1));
    const line = { outcome: kind, ...(stage && { stage }), reason, ...(error !== undefined && { err: error }) };
    this.#logger[error === undefined ? 'info' : 'error'](line, 'expansion attempted');
    this.#span?.end({
      attributes: { 'metaheac.outcome': kind, 'metaheac.stage': stage },
      error: kind === 'failed' || kind === 'retry' ? (reason?.code ?? kind) : null,
    });
  }

  /** A thread died, so the engine ends, and the next engine repeats the attempt. */
  broke(): void {
    this.#span?.end({ attributes: { 'metaheac.outcome': 'crashed' }, error: 'crashed' });
  }
}
