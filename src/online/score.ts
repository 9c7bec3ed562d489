/**
 * Scoring: (customised model, binding, segment) -> scores, a pure function, so that segments can be scored anywhere.
 */

import {
  cutPools,
  cutTables,
  foldShared,
  type Graph,
  type PoolCut,
  splitFrozen,
  type Tensor,
  weightedSumsAsProducts,
} from '../graph/index.ts';
import { AppError } from '../lib/errors.ts';
import type { ModelContract } from '../model/folder.ts';
import type { Rows } from '../population/segments.ts';
import { inOwnMemory } from '../runtime/feed-rows.ts';
import { type Device, type Feeds, openSession, type Session } from '../runtime/session.ts';
import type { Binding } from './binding.ts';
import {
  type CampaignValues,
  type EncodingOptions,
  encodeCampaign,
  encodeUsers,
  IdArrays,
  isPerUser,
} from './encode.ts';
import { Pools } from './pools.ts';

/**
 * Rows per run. Fixed, not configurable: a matrix product may round differently at another size, and an audience must
 * not depend on that.
 */
const BATCH_ROWS = 1024;

/** Each thread has its own copy of the tables, with 32-bit addresses. */
const MAXIMUM_TABLE_BYTES = 2 ** 31;

/** A campaign to score users for. */
export interface ScoredCampaign {
  readonly features: CampaignValues;
  /** The adapted ones. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly without?: EncodingOptions['without'];
}

/** Scores segments. The adapted parameters are inputs, so that all campaigns share a scorer. */
export interface Scorer {
  /** Rows per run. */
  readonly batchSize: number;
  /**
   * Scores of the rows, in order, `[rows.count]`; one call at a time, others wait. A score that is not a number is
   * invalid_model.
   */
  score(rows: Rows, campaign: ScoredCampaign): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ScorerOptions {
  readonly device?: Device;
  /** Tables of more bytes together are looked up by ONNX Runtime. */
  readonly maximumTableBytes?: number;
}

interface ScoredModel {
  readonly graph: Graph;
  readonly folder: ModelContract;
  readonly adapted: readonly string[];
  readonly binding: Binding;
}

export async function openScorer(what: ScoredModel, options: ScorerOptions = {}): Promise<Scorer> {
  const { campaign, pools, head } = scoringGraphs(what.graph, what.adapted, options.maximumTableBytes);
  return new SessionScorer(what, pools, {
    campaign: campaign && (await openSession(campaign, options)),
    // on the CPU, where the look-ups are
    indices: pools.indices && (await openSession(pools.indices)),
    head: await openSession(head, options),
  });
}

interface ScoringSessions {
  readonly campaign: Session | null;
  readonly indices: Session | null;
  readonly head: Session;
}

class SessionScorer implements Scorer {
  readonly batchSize = BATCH_ROWS;
  readonly #what: ScoredModel;
  readonly #sessions: ScoringSessions;
  readonly #pools: Pools;
  readonly #ids = new IdArrays();
  /** Of the last campaign: what is not a table, in this thread's memory. */
  #parameters: { readonly of: ScoredCampaign['parameters']; readonly feeds: Feeds } | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(what: ScoredModel, cut: PoolCut, sessions: ScoringSessions) {
    this.#what = what;
    this.#sessions = sessions;
    this.#pools = new Pools(cut, BATCH_ROWS);
    this.#pools.setTables(what.graph.initializers);
  }

  score(rows: Rows, campaign: ScoredCampaign): Promise<Float32Array> {
    const done = this.#last.then(() => this.#score(rows, campaign));
    this.#last = done.catch(() => {});
    return done;
  }

  async close(): Promise<void> {
    await this.#last;
    for (const session of Object.values(this.#sessions) as (Session | null)[]) await session?.close();
  }

  async #score(rows: Rows, { features, parameters, without = null }: ScoredCampaign): Promise<Float32Array> {
    const { graph, folder, binding } = this.#what;
    const { campaign, head } = this.#sessions;
    const scores = new Float32Array(rows.count);
    const output = head.outputs[0]!;
    let own: Feeds | null = null;
    for (let from = 0; from < rows.count; from += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, rows.count - from);
      const range = { from, to: from + count };
      const batch = encodeUsers(graph, binding, rows, { without, range, into: this.#ids });
      const given = { ...this.#use(parameters), ...batch, ...encodeCampaign(graph, folder, features, count) };
      if (own === null) {
        own = (await campaign?.run(given)) ?? {};
        this.#pools.setTables(Object.entries(own));
      }
      const lists = { ...batch, ...(await this.#sessions.indices?.run(batch)) };
      const result = await head.run({ ...given, ...own, ...this.#pools.sums(lists, count) }, { outputs: [output] });
      scores.set(result[output]!.data as Float32Array, from);
    }
    requireNumbers(scores, rows);
    return scores;
  }

  /** `parameters` for ONNX Runtime; the tables among them go to the pools. */
  #use(parameters: ScoredCampaign['parameters']): Feeds {
    if (this.#parameters?.of === parameters) return this.#parameters.feeds;
    this.#pools.setTables(parameters);
    const { campaign, head } = this.#sessions;
    const isRead = (name: string) => head.inputs.includes(name) || campaign?.inputs.includes(name);
    const feeds = Object.fromEntries(
      [...parameters].flatMap(([name, value]) => (isRead(name) ? [[name, inOwnMemory(value)]] : [])),
    );
    this.#parameters = { of: parameters, feeds };
    return feeds;
  }
}

/** What scoring runs, in this order. */
export interface ScoringGraphs {
  /** What does not depend on users, such as products of parameters: once a campaign and call; null if nothing. */
  readonly campaign: Graph | null;
  /** Look-ups in tables, and sums of what is read. */
  readonly pools: PoolCut;
  /** Outputs of both, users' inputs and parameters -> the score. */
  readonly head: Graph;
}

export function scoringGraphs(
  graph: Graph,
  adapted: readonly string[],
  maximumTableBytes: number = MAXIMUM_TABLE_BYTES,
): ScoringGraphs {
  const cut = cutTables(graph, adapted, { compact: false }).compactGraph;
  const perUser = cut.inputs.filter((name) => graph.inputs.includes(name) && isPerUser(graph, name));
  const folded = foldShared(weightedSumsAsProducts(cut), perUser);
  // inputs that have the batch among their sizes
  const ofBatch = folded.inputs.filter((name) => folded.values.get(name)!.shape.some((dim) => typeof dim === 'string'));
  const { body: campaign, head } = splitFrozen(folded, ofBatch);
  const pools = cutPools(head, ofBatch, maximumTableBytes);
  return { campaign, pools, head: pools.rest };
}

function requireNumbers(scores: Float32Array, { userNumbers }: Rows): void {
  const wrong = scores.findIndex(Number.isNaN);
  if (wrong < 0) return;
  throw new AppError('invalid_model', `the score of user number ${userNumbers[wrong]} is not a number`);
}
