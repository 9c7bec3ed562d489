/**
 * Scoring: (customised models, binding, segment) -> scores, a pure function, so that segments can be scored anywhere,
 * and for several campaigns at once.
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

/**
 * Scores segments. The adapted parameters are inputs, so that all campaigns share a scorer; and what depends on neither
 * them nor a campaign's features is computed once for all campaigns of a call.
 */
export interface Scorer {
  /**
   * By campaign, scores of the rows in their order, `[rows.count]`: the same whatever other campaigns there are. A
   * score that is not a number is invalid_model.
   */
  score(rows: Rows, campaigns: readonly ScoredCampaign[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Scores of one campaign. */
export async function scoreOne(scorer: Scorer, rows: Rows, campaign: ScoredCampaign): Promise<Float32Array> {
  const [scores] = await scorer.score(rows, [campaign]);
  return scores!;
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
  const body = graphs.body && (await openSession(graphs.body, options));
  const campaignPart = graphs.campaign && (await openSession(graphs.campaign, options));
  const head = await openSession(graphs.head, options);
  // the score, under the name from the cut
  const output = head.outputs[0]!;
  return {
    async score(rows, campaigns) {
      const scores = campaigns.map(() => new Float32Array(rows.count));
      for (const together of sharing(campaigns)) {
        const users = encodeUsers(graph, binding, rows, { without: campaigns[together[0]!]!.without ?? null });
        const fixed = new Map<number, Feeds>();
        // fresh memory for every batch would take longer than what is written to it
        let kept: Feeds = {};
        for (let from = 0; from < rows.count; from += BATCH_ROWS) {
          const to = Math.min(from + BATCH_ROWS, rows.count);
          const own = sliceFeeds(users, from, to);
          if (body) kept = await body.run(own, to - from === BATCH_ROWS ? { into: kept } : {});
          const shared = { ...own, ...kept };
          for (const index of together) {
            const { features, parameters } = campaigns[index]!;
            const campaign = encodeCampaign(graph, folder, features, to - from);
            const given: Feeds = { ...Object.fromEntries(parameters), ...shared, ...campaign };
            const own = fixed.get(index) ?? (await campaignPart?.run(given)) ?? {};
            fixed.set(index, own);
            const feeds: Feeds = { ...given, ...own };
            const result = await head.run(feeds, { outputs: [output] });
            scores[index]!.set(result[output]!.data as Float32Array, from);
          }
        }
      }
      for (const own of scores) requireNumbers(own, rows);
      return scores;
    },
    async close() {
      for (const session of [body, campaignPart, head]) await session?.close();
    },
  };
}

/** What scoring runs, in this order; a graph that would be empty is null. */
export interface ScoringGraphs {
  /** Users' inputs -> what does not depend on a campaign, once a batch. */
  readonly body: Graph | null;
  /** What does not depend on users, such as products of parameters: once a campaign and call. */
  readonly campaign: Graph | null;
  /** The outputs of both, users' inputs and parameters -> the score. */
  readonly head: Graph;
}

export function scoringGraphs(graph: Graph, adapted: readonly string[]): ScoringGraphs {
  const cut = cutTables(graph, adapted, { compact: false }).compactGraph;
  const perUser = cut.inputs.filter((name) => graph.inputs.includes(name) && isPerUser(graph, name));
  const folded = foldShared(weightedSumsAsProducts(cut), perUser);
  // whatever is not a user's: parameters may be called after users' features
  const own = folded.inputs.filter((name) => !graph.inputs.includes(name) || !name.startsWith('user.'));
  const { body, head: rest } = splitFrozen(folded, own);
  // inputs, and outputs of the body, that have the batch among their sizes
  const ofBatch = rest.inputs.filter((name) => rest.values.get(name)!.shape.some((dim) => typeof dim === 'string'));
  const { body: campaign, head } = splitFrozen(rest, ofBatch);
  return { body, campaign, head };
}

/** Indices of campaigns that see the same users: they leave out the same token, or none. */
function sharing(campaigns: readonly ScoredCampaign[]): Iterable<readonly number[]> {
  const groups = new Map<string, number[]>();
  for (const [i, { without }] of campaigns.entries()) {
    const key = without ? `${without.feature}/${without.id}` : '';
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return groups.values();
}

function requireNumbers(scores: Float32Array, { userNumbers }: Rows): void {
  const wrong = scores.findIndex(Number.isNaN);
  if (wrong < 0) return;
  throw new AppError('invalid_model', `the score of user number ${userNumbers[wrong]} is not a number`);
}
