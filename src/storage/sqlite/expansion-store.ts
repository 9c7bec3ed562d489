/** The port of expansions on SQLite, as callers see them. */
import { expansionNotFound } from '../../domain/not-found.ts';
import type { Expansions, SetReader } from '../../domain/ports/expansions.ts';
import { isEnd } from '../../domain/states.ts';
import type {
  Audience,
  Cause,
  Expansion,
  ExpansionSets,
  IdempotentRequest,
  Page,
  PageQuery,
} from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { userSetBlocks } from '../files/set-file.ts';
import type { CampaignRows } from './campaign-rows.ts';
import type { Connection } from './connection.ts';
import { write } from './database.ts';
import { type ExpansionQueue, noSeeds } from './expansion-queue.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import { type FeedbackSets, NO_FEEDBACK, type SqliteFeedback } from './feedback.ts';
import { keepAnswerOf } from './idempotency-rows.ts';

/** What it is made of. */
interface Parts {
  readonly campaigns: CampaignRows;
  readonly expansions: ExpansionRows;
  readonly queue: ExpansionQueue;
  readonly feedback: SqliteFeedback;
}

export class SqliteExpansions implements Expansions, SetReader {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /** Feedback is made sets of in slices. */
  async expand(id: string, once?: IdempotentRequest<Expansion>): Promise<Expansion> {
    return (await this.#expand(id, 'requested', once))!;
  }

  async expandDue(populationVersion: string): Promise<number> {
    const { campaigns } = this.#parts;
    const errors: unknown[] = [];
    let queued = 0;
    for (const { id, cause } of campaigns.dueForRefresh(this.#now(), populationVersion)) {
      try {
        // one that was deleted, or expanded by a call, while those before it were queued is due no more
        if (campaigns.find(id) !== null && (await this.#expand(id, cause)) !== null) queued += 1;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return queued;
  }

  cancel(campaignId: string, expansionId: string): Expansion {
    const { campaigns, expansions, queue } = this.#parts;
    return write(this.#connection.database, () => {
      campaigns.getNumber(campaignId);
      const number = expansions.numberOf(campaignId, expansionId);
      if (number === undefined) throw expansionNotFound(campaignId, expansionId);
      const state = expansions.stateOf(number);
      if (!isEnd(state)) queue.stop(number, 'cancelled', this.#now());
      else if (state !== 'cancelled')
        throw new AppError('expansion_ended', `the expansion is ${state} already`, { facts: { state } });
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

  /** null where the refresh policy asked for it, and another was made meanwhile. */
  async #expand(id: string, cause: Cause, once?: IdempotentRequest<Expansion>): Promise<Expansion | null> {
    const { database } = this.#connection;
    const { campaigns, expansions, queue, feedback } = this.#parts;
    const number = campaigns.getNumber(id);
    if (campaigns.inputs(number).seedSet === null) throw noSeeds();
    const insert = (sets: FeedbackSets) =>
      write(database, () => {
        campaigns.getNumber(id);
        const now = this.#now();
        const running = expansions.runningOf(number);
        if (running !== undefined && cause !== 'requested') return null;
        if (running !== undefined) queue.stop(running, 'superseded', now);
        const expansion = expansions.get(id, queue.insert(campaigns.inputs(number), cause, sets, now));
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
