/**
 * Episodes for meta-training the heads. The support is a simulated seed set with sampled other users; the query is
 * hidden members and true negatives.
 */
import { type Rng, sample, shuffle } from '../../lib/rng.ts';
import type { LabelledRows } from '../history/history.ts';
import type { SampledBatch } from './episodes.ts';

/** Number of simulated seeds: log-uniform between these bounds, but at most half of the members. */
const SEEDS = { least: 10, most: 120 } as const;
/**
 * Number of other users per seed in the support. Some of these users are hidden members with label 0, as in the online
 * stage.
 */
const OTHERS_PER_SEED = 10;
/** Maximum number of hidden members in the query, and number of true negatives for each of them. */
const QUERY_MEMBERS = 46;
const NEGATIVES_PER_MEMBER = 10;

/** Samples an episode from a campaign's rows; null if there are fewer than two members or no other row. */
export function sampleHeadsEpisode(
  rng: Rng,
  { users, labels }: LabelledRows,
): { support: SampledBatch; query: SampledBatch } | null {
  const members = Int32Array.from(labels.keys()).filter((row) => labels[row] === 1);
  const negatives = Int32Array.from(labels.keys()).filter((row) => labels[row] === 0);
  if (members.length < 2 || negatives.length < 2) return null;
  shuffle(rng, members);
  const asked = Math.floor(Math.exp(Math.log(SEEDS.least) + rng.uniform() * Math.log(SEEDS.most / SEEDS.least)));
  const count = Math.max(1, Math.min(asked, members.length >> 1));
  const hidden = members.subarray(count);
  const rest = new Int32Array(hidden.length + negatives.length);
  rest.set(hidden);
  rest.set(negatives, hidden.length);
  const others = sample(rng, rest, Math.min(OTHERS_PER_SEED * count, rest.length >> 1));
  const inSupport = new Set(others);
  const queryMembers = hidden.subarray(0, QUERY_MEMBERS);
  const free = negatives.filter((row) => !inSupport.has(row));
  const queryNegatives = sample(rng, free, NEGATIVES_PER_MEMBER * queryMembers.length);
  const batch = (ones: Int32Array, zeros: Int32Array): SampledBatch => ({
    users: Int32Array.from([...ones, ...zeros], (row) => users[row]!),
    labels: new Float32Array(ones.length + zeros.length).fill(1, 0, ones.length),
  });
  return { support: batch(members.subarray(0, count), others), query: batch(queryMembers, queryNegatives) };
}
