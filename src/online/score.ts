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
 * Scores segments. The adapted parameters are inputs, so that all campaigns share a scorer; users are encoded once for
 * all campaigns of a call, and what does not depend on users is computed once for all users of it.
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
        for (let from = 0; from < rows.count; from += BATCH_ROWS) {
          const to = Math.min(from + BATCH_ROWS, rows.count);
          const shared = sliceFeeds(users, from, to);
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
