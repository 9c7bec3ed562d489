/** Reports on one attempt at an expansion, in log lines and in spans of its trace. */
import type { Job } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';
import { type Span, type Tracer, traceFields } from '../../lib/tracing.ts';
import type { WorkMark } from '../work-list.ts';
import type { AttemptProgress, Outcome } from './expand.ts';

/** The stages of an attempt, in chronological order. */
const STAGES = ['finding', 'adapting', 'scoring', 'ranking'];

interface Tellers {
  readonly logger: Logger;
  /** The tracer; null if tracing is off. */
  readonly tracer: Tracer | null;
  readonly clock: Pick<Clock, 'now'>;
  /** Called with the number of users whose scores were computed. */
  readonly onScored: (users: number) => void;
  readonly mark: WorkMark;
}

export class AttemptWatch implements AttemptProgress {
  /** The job, with this attempt's span as the parent of its events. */
  readonly job: Job;
  readonly scored: (users: number) => void;
  readonly mark: WorkMark;
  readonly #tellers: Tellers;
  readonly #logger: Logger;
  readonly #span: Span | null;
  #stagesEnded = 0;

  constructor(job: Job, tellers: Tellers) {
    const { campaignId: campaign, expansionId: expansion, attempt } = job;
    const { tracer, clock } = tellers;
    this.#tellers = tellers;
    this.scored = tellers.onScored;
    this.mark = tellers.mark;
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
    this.#logger = tellers.logger.child({ campaign, expansion, attempt, ...trace });
  }

  stageEnded(stage: string, seconds: number): void {
    this.#stagesEnded += 1;
    this.#logger.debug({ stage, seconds }, 'stage ended');
    const { tracer, clock } = this.#tellers;
    const parent = this.#span?.traceparent ?? null;
    tracer?.start({ name: stage, kind: 'internal', parent, at: clock.now() - seconds * 1000 }).end();
  }

  resumed(segments: number): void {
    this.#logger.info({ segments }, 'expansion resumed from a checkpoint');
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
