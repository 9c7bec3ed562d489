/**
 * Scoring: (customised models, binding, segment) -> scores, a pure function, so that segments can be scored anywhere,
 * and for several campaigns at once.
 */

import { cutTables, type Graph, splitFrozen, type Tensor } from '../graph/index.ts';
import { AppError } from '../lib/errors.ts';
import type { ModelContract } from '../model/folder.ts';
import type { Rows } from '../population/segments.ts';
import { sliceFeeds } from '../runtime/feed-rows.ts';
import { type Device, type Feeds, openSession, type Session } from '../runtime/session.ts';
import type { Binding } from './binding.ts';
import { type CampaignValues, type EncodingOptions, encodeCampaign, encodeUsers } from './encode.ts';

/**
 * Rows per run. Fixed, not configurable: a matrix product may round differently at another size, and an audience must
 * not depend on that.
 */
const BATCH_ROWS = 2048;

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
  const cut = cutTables(graph, adapted, { compact: false }).compactGraph;
  // whatever is not a user's: parameters may be called after users' features
  const own = cut.inputs.filter((name) => !graph.inputs.includes(name) || !name.startsWith('user.'));
  const { body, head } = await openSplit(cut, own, options);
  // the score, under the name from the cut
  const output = head.outputs[0]!;
  return {
    async score(rows, campaigns) {
      const scores = campaigns.map(() => new Float32Array(rows.count));
      for (const together of sharing(campaigns)) {
        const users = encodeUsers(graph, binding, rows, { without: campaigns[together[0]!]!.without ?? null });
        for (let from = 0; from < rows.count; from += BATCH_ROWS) {
          const to = Math.min(from + BATCH_ROWS, rows.count);
          const own = sliceFeeds(users, from, to);
          const shared = body === null ? own : { ...own, ...(await body.run(own)) };
          for (const index of together) {
            const { features, parameters } = campaigns[index]!;
            const campaign = encodeCampaign(graph, folder, features, to - from);
            const feeds: Feeds = { ...Object.fromEntries(parameters), ...shared, ...campaign };
            const result = await head.run(feeds, { outputs: [output] });
            scores[index]!.set(result[output]!.data as Float32Array, from);
          }
        }
      }
      for (const own of scores) requireNumbers(own, rows);
      return scores;
    },
    async close() {
      await body?.close();
      await head.close();
    },
  };
}

/** What does not depend on a campaign's `own` inputs, if there is anything, and the rest. */
async function openSplit(
  graph: Graph,
  own: readonly string[],
  options: { device?: Device },
): Promise<{ readonly body: Session | null; readonly head: Session }> {
  const { body, head } = splitFrozen(graph, own);
  return { body: body && (await openSession(body, options)), head: await openSession(head, options) };
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
