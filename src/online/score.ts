/**
 * Scoring: (customised model, binding, segment) -> scores, a pure function, so that segments can be scored anywhere.
 */

import { cutTables, foldShared, type Graph, splitFrozen, type Tensor, weightedSumsAsProducts } from '../graph/index.ts';
import { AppError } from '../lib/errors.ts';
import type { ModelContract } from '../model/folder.ts';
import type { Rows } from '../population/segments.ts';
import { sliceFeeds } from '../runtime/feed-rows.ts';
import { type Device, type Feeds, openSession } from '../runtime/session.ts';
import type { Binding } from './binding.ts';
import { type CampaignValues, type EncodingOptions, encodeCampaign, encodeUsers, isPerUser } from './encode.ts';

/**
 * Rows per run. Fixed, not configurable: a matrix product may round differently at another size, and an audience must
 * not depend on that.
 */
const BATCH_ROWS = 1024;

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
  /** Scores of the rows, in order, `[rows.count]`. A score that is not a number is invalid_model. */
  score(rows: Rows, campaign: ScoredCampaign): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function openScorer(
  what: {
    readonly graph: Graph;
    readonly folder: ModelContract;
    readonly adapted: readonly string[];
    readonly binding: Binding;
  },
  options: { device?: Device } = {},
): Promise<Scorer> {
  const { graph, folder, adapted, binding } = what;
  const graphs = scoringGraphs(graph, adapted);
  const campaignPart = graphs.campaign && (await openSession(graphs.campaign, options));
  const head = await openSession(graphs.head, options);
  // the score, under the name from the cut
  const output = head.outputs[0]!;
  return {
    batchSize: BATCH_ROWS,
    async score(rows, { features, parameters, without = null }) {
      const users = encodeUsers(graph, binding, rows, { without });
      const scores = new Float32Array(rows.count);
      let own: Feeds | null = null;
      for (let from = 0; from < rows.count; from += BATCH_ROWS) {
        const to = Math.min(from + BATCH_ROWS, rows.count);
        const campaign = encodeCampaign(graph, folder, features, to - from);
        const given: Feeds = { ...Object.fromEntries(parameters), ...sliceFeeds(users, from, to), ...campaign };
        own ??= (await campaignPart?.run(given)) ?? {};
        const result = await head.run({ ...given, ...own }, { outputs: [output] });
        scores.set(result[output]!.data as Float32Array, from);
      }
      requireNumbers(scores, rows);
      return scores;
    },
    async close() {
      await campaignPart?.close();
      await head.close();
    },
  };
}

/** What scoring runs, in this order. */
export interface ScoringGraphs {
  /** What does not depend on users, such as products of parameters: once a campaign and call; null if nothing. */
  readonly campaign: Graph | null;
  /** Its outputs, users' inputs and parameters -> the score. */
  readonly head: Graph;
}

export function scoringGraphs(graph: Graph, adapted: readonly string[]): ScoringGraphs {
  const cut = cutTables(graph, adapted, { compact: false }).compactGraph;
  const perUser = cut.inputs.filter((name) => graph.inputs.includes(name) && isPerUser(graph, name));
  const folded = foldShared(weightedSumsAsProducts(cut), perUser);
  // inputs that have the batch among their sizes
  const ofBatch = folded.inputs.filter((name) => folded.values.get(name)!.shape.some((dim) => typeof dim === 'string'));
  const { body: campaign, head } = splitFrozen(folded, ofBatch);
  return { campaign, head };
}

function requireNumbers(scores: Float32Array, { userNumbers }: Rows): void {
  const wrong = scores.findIndex(Number.isNaN);
  if (wrong < 0) return;
  throw new AppError('invalid_model', `the score of user number ${userNumbers[wrong]} is not a number`);
}
