/** Implements the expansions port with SQLite. */
import { randomUUID } from 'node:crypto';
import { refreshCause } from '../../domain/campaigns.ts';
import { cancelling, decide, decideExpansion, noSeeds } from '../../domain/expansions.ts';
import { expansionNotFound } from '../../domain/not-found.ts';
import type { Expansions, SetReader } from '../../domain/ports/expansions.ts';
import type {
  Audience,
  Cause,
  Expansion,
  ExpansionSets,
  IdempotentRequest,
  Page,
  PageQuery,
} from '../../domain/types.ts';
import { assert } from '../../lib/errors.ts';
import { userSetBlocks } from '../files/set-file.ts';
import type { WrittenSet } from '../files/writer.ts';
import type { CampaignRows } from './campaign-rows.ts';
import type { Connection } from './connection.ts';
import { insertRow, toJson } from './database/columns.ts';
import { write } from './database/database.ts';
import type { EventLog } from './events.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import { type FeedbackSets, NO_FEEDBACK, type SqliteFeedback } from './feedback.ts';
import { keepAnswerOf } from './idempotency.ts';
import type { Synchronous } from './promised.ts';
import { recordSet } from './set-rows.ts';

/** Its dependencies. */
interface Parts {
  readonly campaigns: CampaignRows;
  readonly expansions: ExpansionRows;
  readonly events: EventLog;
  readonly feedback: SqliteFeedback;
}

export class SqliteExpansions implements Synchronous<Expansions>, Synchronous<SetReader> {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /**
   * Requests an expansion. The user sets for the expansion are made from the feedback in slices, so that other work can
   * run in between.
   */
  async expand(id: string, once?: IdempotentRequest<Expansion>): Promise<Expansion> {
    return (await this.#expand(id, 'requested', once))!;
  }

  async expandDue(populationVersion: string | null): Promise<number> {
    const { campaigns } = this.#parts;
    const errors: unknown[] = [];
    let queued = 0;
    for (const { id, policy, latest } of campaigns.refreshed()) {
      const cause = refreshCause(policy, latest, populationVersion, this.#now());
      if (cause === null) continue;
      try {
        // a campaign that was deleted while other campaigns were queued is no longer due
        if (campaigns.find(id) !== null && (await this.#expand(id, cause)) !== null) queued += 1;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return queued;
  }

  cancel(campaignId: string, expansionId: string): Expansion {
    const { campaigns, expansions } = this.#parts;
    return write(this.#connection.database, () => {
      campaigns.getNumber(campaignId);
      const number = expansions.numberOf(campaignId, expansionId);
      if (number === undefined) throw expansionNotFound(campaignId, expansionId);
      const command = cancelling(expansions.stateOf(number));
      if (command !== null) this.#stop('WHERE e.number = @number', { number }, command.state);
      return expansions.get(campaignId, expansionId);
    });
  }

  expansion(campaignId: string, expansionId: string): Expansion {
    this.#parts.campaigns.getNumber(campaignId);
    return this.#parts.expansions.get(campaignId, expansionId);
  }

  expansionsOf(campaignId: string, query: PageQuery): Page<Expansion> {
    this.#parts.campaigns.getNumber(campaignId);
    return this.#parts.expansions.list(campaignId, query);
  }

  setsOf({ expansionId }: Pick<Audience, 'expansionId'>): ExpansionSets {
    return this.#parts.expansions.setsOfId(expansionId);
  }

  setBlocks(sha256: string): Generator<string[], void, void> {
    return userSetBlocks(this.#connection.blobs, sha256);
  }

  /**
   * Inserts an expansion that uses the campaign's current inputs, and a job for this expansion, inside the caller's
   * transaction. Returns the id of the expansion, or null if a refresh policy requested it and another expansion is
   * running.
   * @throws AppError no_seeds
   */
  insert(campaign: number, cause: Cause, sets: FeedbackSets, now: number): string | null {
    const { database, options } = this.#connection;
    const { campaigns, expansions, events } = this.#parts;
    const inputs = campaigns.inputs(campaign);
    const which = 'WHERE e.campaign = @campaign';
    const isRunning = expansions.running(which, { campaign }).length > 0;
    const positives = referenceTo(sets.positives);
    const dismissed = referenceTo(sets.dismissed);
    const knownSeeds = inputs.seedSet === null ? null : inputs.seeds.known;
    const made = decideExpansion({ cause, isRunning, knownSeeds, positives: positives.users }, options, now);
    if (made === null) return null;
    if (made.supersedes) this.#stop(which, { campaign }, 'superseded');
    for (const set of [sets.positives, sets.dismissed]) if (set !== null) recordSet(database, set, now);
    const id = randomUUID();
    const expansion = expansions.insert({
      ...{ id, campaign, cause, state: made.state, reason: toJson(made.reason) },
      ...{ features: inputs.features, filters: inputs.filters, seed_set: inputs.seedSet },
      ...{ suppression_set: inputs.suppressionSet, common_suppression_set: inputs.commonSuppressionSet },
      ...{ positive_set: positives.set, positives: positives.users },
      ...{ dismissed_set: dismissed.set, dismissed: dismissed.users },
      seeds_received: inputs.seeds.received,
      seeds_known: inputs.seeds.known,
      seeds_unknown: inputs.seeds.unknown,
      seeds_duplicate: inputs.seeds.duplicate,
      unknown_examples: toJson(inputs.seeds.unknownExamples),
      ...{ created_at: now, updated_at: now },
    });
    if (made.state === 'queued')
      insertRow(database, 'jobs', {
        ...{ id: randomUUID(), expansion, queued_at: now, run_after: now, turn: made.turn },
        traceparent: options.traceparent?.() ?? null,
      });
    else events.expansionEnded(expansion, now);
    return id;
  }

  #stop(which: string, bound: { readonly [name: string]: number }, state: 'cancelled' | 'superseded'): void {
    const { expansions } = this.#parts;
    const now = this.#now();
    const [running] = expansions.running(which, bound);
    assert(running !== undefined, 'an expansion that has not ended has a job');
    expansions.apply(running, decide(running, { kind: 'stop', state }, this.#connection.options, now), now);
  }

  /** Returns null if a refresh policy requested the expansion and another expansion was created in the meantime. */
  async #expand(id: string, cause: Cause, once?: IdempotentRequest<Expansion>): Promise<Expansion | null> {
    const { database } = this.#connection;
    const { campaigns, expansions, feedback } = this.#parts;
    const number = campaigns.getNumber(id);
    if (campaigns.inputs(number).seedSet === null) throw noSeeds();
    const insert = (sets: FeedbackSets) =>
      write(database, () => {
        campaigns.getNumber(id);
        const now = this.#now();
        const made = this.insert(number, cause, sets, now);
        if (made === null) return null;
        const expansion = expansions.get(id, made);
        keepAnswerOf(database, once, expansion, id, now);
        return expansion;
      });
    const { conversion, click, dismissal } = feedback.feedbackOf(id);
    return conversion + click + dismissal === 0 ? insert(NO_FEEDBACK) : feedback.snapshot(number, insert);
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }
}

function referenceTo(set: WrittenSet<void> | null): { readonly set: string | null; readonly users: number } {
  return { set: set?.sha256 ?? null, users: set?.users ?? 0 };
}
