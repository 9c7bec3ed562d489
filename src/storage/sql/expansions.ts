/** Requests, cancels and reads expansions. */
import { randomUUID } from 'node:crypto';
import { refreshCause } from '../../domain/campaigns.ts';
import type { Cause } from '../../domain/changes.ts';
import { cancelling, decide, decideExpansion, noSeeds } from '../../domain/expansions.ts';
import type { IdBlocks } from '../../domain/id-blocks.ts';
import type { IdempotentRequest } from '../../domain/idempotency.ts';
import { expansionNotFound } from '../../domain/not-found.ts';
import type { Page, PageQuery } from '../../domain/pages.ts';
import type { Expansions, SetReader } from '../../domain/ports/expansions.ts';
import type { Audience, ConsentBases, Expansion, ExpansionSets } from '../../domain/types.ts';
import { assert } from '../../lib/errors.ts';
import { blocksOfSet, openUserSet } from '../files/set-file.ts';
import type { CampaignInputs } from './campaign-columns.ts';
import { findCampaign, getLocked, getNumber, readInputs, readRefreshed } from './campaign-rows.ts';
import { insertRow } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { EventLog } from './events.ts';
import {
  applyEffects,
  findExpansion,
  getExpansion,
  insertExpansion,
  listExpansions,
  runningExpansions,
  setsOfId,
} from './expansion-rows.ts';
import { type FeedbackRepository, type FeedbackSets, NO_FEEDBACK } from './feedback.ts';
import { keepAnswerOf } from './idempotency.ts';
import { toJson } from './json.ts';
import { NO_TIME, QueueTimes, timesOf } from './remaining-time.ts';
import type { NamedSet } from './set-rows.ts';
import type { Bound, Transaction } from './sql.ts';

/** The topic announced when an expansion is queued. */
const JOBS = 'jobs';

interface ExpansionRepositoryDependencies extends StoreDependencies {
  readonly events: EventLog;
  readonly feedback: FeedbackRepository;
}

export class ExpansionRepository implements Expansions, SetReader {
  readonly #dependencies: ExpansionRepositoryDependencies;

  constructor(dependencies: ExpansionRepositoryDependencies) {
    this.#dependencies = dependencies;
  }

  async expand(id: string, once?: IdempotentRequest<Expansion>): Promise<Expansion> {
    return (await this.#expand(id, 'requested', once))!;
  }

  async expandDue(populationVersion: string | null): Promise<number> {
    const { database } = this.#dependencies;
    const errors: unknown[] = [];
    let queued = 0;
    for (const { id, policy, latest } of await readRefreshed(database, populationVersion, this.#now())) {
      const cause = refreshCause(policy, latest, populationVersion, this.#now());
      if (cause === null) continue;
      try {
        // a campaign that was deleted meanwhile is no longer due
        if ((await findCampaign(database, id)) !== null && (await this.#expand(id, cause)) !== null) queued += 1;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return queued;
  }

  cancel(campaignId: string, expansionId: string): Promise<Expansion> {
    return this.#dependencies.database.write(async (t) => {
      await getLocked(t, campaignId);
      const found = await findExpansion(t, campaignId, expansionId);
      if (found === undefined) throw expansionNotFound(campaignId, expansionId);
      const { number, state } = found;
      const command = cancelling(state);
      if (command !== null) await this.#stop(t, 'WHERE e.number = @number', { number }, command.state);
      return getExpansion(t, campaignId, expansionId, NO_TIME);
    }, 'readCommitted');
  }

  async expansion(campaignId: string, expansionId: string): Promise<Expansion> {
    const { database } = this.#dependencies;
    await getNumber(database, campaignId);
    return getExpansion(database, campaignId, expansionId);
  }

  async expansionsOf(campaignId: string, query: PageQuery): Promise<Page<Expansion>> {
    const { database } = this.#dependencies;
    await getNumber(database, campaignId);
    return listExpansions(database, campaignId, query);
  }

  setsOf({ expansionId }: Pick<Audience, 'expansionId'>): Promise<ExpansionSets> {
    return setsOfId(this.#dependencies.database, expansionId);
  }

  async setBlocks(name: string): Promise<IdBlocks> {
    return blocksOfSet(await openUserSet(this.#dependencies.blobs, name), name);
  }

  /**
   * Inserts an expansion that uses the campaign's current inputs, and its job, in the caller's transaction, which has
   * locked the campaign. Adds the job to `queue`. Returns the id of the expansion, or null if a refresh policy
   * requested it and another expansion is running.
   * @throws AppError no_seeds
   */
  async insert(
    t: Transaction,
    campaign: number,
    cause: Cause,
    sets: FeedbackSets,
    queue: QueueTimes,
  ): Promise<string | null> {
    const { options, events } = this.#dependencies;
    const now = this.#now();
    const inputs = await readInputs(t, campaign);
    const which = 'WHERE e.campaign = @campaign';
    const isRunning = (await runningExpansions(t, which, { campaign })).length > 0;
    const positives = referenceTo(sets.positives);
    const dismissed = referenceTo(sets.dismissed);
    const { outside = 0 } = inputs.seeds;
    const knownSeeds = inputs.seedSet === null ? null : inputs.seeds.known + outside;
    const made = decideExpansion({ cause, isRunning, knownSeeds, positives: positives.users }, options, now);
    if (made === null) return null;
    if (made.supersedes) await this.#stop(t, which, { campaign }, 'superseded');
    await sets.record(t, now);
    const id = randomUUID();
    const expansion = await insertExpansion(t, {
      id,
      campaign,
      cause,
      state: made.state,
      reason: toJson(made.reason),
      features: inputs.features,
      filters: inputs.filters,
      seed_set: inputs.seedSet,
      negative_set: inputs.negativeSet,
      negatives: inputs.negativeCounts === null ? 0 : inputs.negativeCounts.known + inputs.negativeCounts.unknown,
      negative_weight: inputs.negativeWeight,
      category: inputs.category,
      four_fifths: inputs.fourFifths,
      suppression_set: inputs.suppressionSet,
      common_suppression_set: inputs.commonSuppressionSet,
      positive_set: positives.set,
      positives: positives.users,
      dismissed_set: dismissed.set,
      dismissed: dismissed.users,
      seeds_received: inputs.seeds.received,
      seeds_known: inputs.seeds.known,
      seeds_unknown: inputs.seeds.unknown,
      seeds_outside: outside,
      seeds_duplicate: inputs.seeds.duplicate,
      unknown_examples: toJson(inputs.seeds.unknownExamples),
      consent_bases: toJson(consentBasesOf(inputs)),
      created_at: now,
      updated_at: now,
    });
    if (made.state === 'queued') {
      await insertRow(t, 'jobs', {
        id: randomUUID(),
        expansion,
        queued_at: now,
        run_after: now,
        turn: made.turn,
        traceparent: options.traceparent?.() ?? null,
      });
      queue.add(expansion, made.turn, inputs.seeds.known + outside + positives.users);
      t.announce(JOBS);
    } else await events.expansionEnded(t, expansion, now);
    return id;
  }

  async #stop(t: Transaction, which: string, bound: Bound, state: 'cancelled' | 'superseded'): Promise<void> {
    const now = this.#now();
    const [running] = await runningExpansions(t, `${which} ${t.dialect.lock('j, e')}`, bound);
    assert(running !== undefined, 'an expansion that has not ended has a job');
    const effects = decide(running, { kind: 'stop', state }, this.#dependencies.options, now);
    await applyEffects(t, this.#dependencies.events, running, effects, now);
  }

  /** Returns null if a refresh policy requested the expansion and another one was created meanwhile. */
  async #expand(id: string, cause: Cause, once?: IdempotentRequest<Expansion>): Promise<Expansion | null> {
    const { database, feedback } = this.#dependencies;
    const number = await getNumber(database, id);
    if ((await readInputs(database, number)).seedSet === null) throw noSeeds();
    const queue = await QueueTimes.read(database);
    const insert = (sets: FeedbackSets) =>
      database.write(async (t) => {
        const times = queue.copy();
        const made = await this.insert(t, await getLocked(t, id), cause, sets, times);
        if (made === null) return null;
        const expansion = await getExpansion(t, id, made, timesOf(times));
        await keepAnswerOf(t, once, expansion, id, this.#now());
        return expansion;
      }, 'readCommitted');
    const { conversion, click, dismissal } = await feedback.feedbackOf(id);
    return conversion + click + dismissal === 0 ? insert(NO_FEEDBACK) : feedback.snapshot(number, insert);
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}

function consentBasesOf({
  seedCounts,
  negativeCounts,
  suppressionCounts,
  commonSuppressionCounts,
}: CampaignInputs): ConsentBases {
  return {
    seeds: seedCounts?.consentBasis,
    negatives: negativeCounts?.consentBasis,
    suppression: suppressionCounts?.consentBasis,
    commonSuppression: commonSuppressionCounts?.consentBasis,
  };
}

function referenceTo(set: NamedSet | null): { readonly set: string | null; readonly users: number } {
  return { set: set?.name ?? null, users: set?.users ?? 0 };
}
