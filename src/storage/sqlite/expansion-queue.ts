/** How expansions get into the queue and out of it by a call. Every method runs inside the caller's transaction. */
import { randomUUID } from 'node:crypto';
import { turnOf } from '../../domain/turns.ts';
import type { Cause, Reason } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { WrittenSet } from '../files/writer.ts';
import type { CampaignInputs } from './campaign-rows.ts';
import type { Connection } from './connection.ts';
import type { EventLog } from './event-log.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import type { FeedbackSets } from './feedback.ts';
import type { JobRows } from './job-rows.ts';
import { recordSet } from './set-rows.ts';

export class ExpansionQueue {
  readonly #connection: Connection;
  readonly #expansions: ExpansionRows;
  readonly #jobs: JobRows;
  readonly #events: EventLog;

  constructor(connection: Connection, expansions: ExpansionRows, jobs: JobRows, events: EventLog) {
    this.#connection = connection;
    this.#expansions = expansions;
    this.#jobs = jobs;
    this.#events = events;
  }

  /** Returns the id of the expansion, which has a job unless there are too few seeds. @throws AppError no_seeds */
  insert(inputs: CampaignInputs, cause: Cause, sets: FeedbackSets, now: number): string {
    const { seedSet } = inputs;
    if (seedSet === null) throw noSeeds();
    const id = randomUUID();
    const referenceTo = (set: WrittenSet | null) => {
      if (set !== null) recordSet(this.#connection.database, set, now);
      return { set: set?.sha256 ?? null, users: set?.users ?? 0 };
    };
    const positives = referenceTo(sets.positives);
    // counted just now; later the population may be another, and the engine counts
    const reason = cause === 'created' ? this.#tooFewSeeds(inputs.seeds.known) : null;
    const state = reason === null ? 'queued' : 'too_small';
    const dismissed = referenceTo(sets.dismissed);
    const row = { id, cause, state, reason, inputs: { ...inputs, seedSet }, positives, dismissed } as const;
    const expansion = this.#expansions.insert(row, now);
    const turn = turnOf({ queuedAt: now, cause, seeds: inputs.seeds.known + positives.users });
    const traceparent = this.#connection.options.traceparent?.() ?? null;
    if (reason === null) this.#jobs.insert(randomUUID(), expansion, now, turn, traceparent);
    else this.#events.expansionEnded(expansion, now);
    return id;
  }

  stop(expansion: number, state: 'cancelled' | 'superseded', now: number): void {
    this.#expansions.step(expansion, state, now, { reason: null });
    this.#jobs.removeOf(expansion);
  }

  #tooFewSeeds(known: number): Reason | null {
    const minimum = this.#connection.options.minimumSeeds;
    if (known >= minimum) return null;
    const message = `${known} of the seeds are in the population, at least ${minimum} are needed`;
    return { code: 'too_few_seeds', message, known, minimum };
  }
}

export function noSeeds(): AppError {
  return new AppError('no_seeds', 'the campaign has no seeds yet: send some first');
}
