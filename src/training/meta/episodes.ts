/** Episodes of meta-training: disjoint support and query batches of one campaign. */
import { type Rng, sample, sampleWithoutReplacement, shuffle } from '../../lib/rng.ts';
import type { LabelledRows } from '../history/history.ts';

/** User numbers and labels of one batch. */
export interface SampledBatch {
  readonly users: Int32Array;
  readonly labels: Float32Array;
}

/**
 * Samples disjoint support and query batches of `batch` rows each from the rows of a campaign. A campaign with fewer
 * than 2 `batch` rows is split into two halves, members and others alike, and each batch is sampled from its half with
 * replacement, so that even 2 rows are enough.
 */
export function sampleEpisode(
  rng: Rng,
  { users, labels }: LabelledRows,
  batch: number,
): { support: SampledBatch; query: SampledBatch } {
  if (users.length >= 2 * batch) {
    const sampled = sampleWithoutReplacement(rng, users.length, 2 * batch);
    return {
      support: pick(users, labels, sampled.subarray(0, batch)),
      query: pick(users, labels, sampled.subarray(batch)),
    };
  }
  const [left, right] = splitInHalves(rng, labels);
  const sample = (half: Int32Array) =>
    pick(
      users,
      labels,
      Int32Array.from({ length: batch }, () => half[rng.integer(half.length)]!),
    );
  return { support: sample(left), query: sample(right) };
}

/** Splits rows into two halves that differ by at most one member and one other; a single row is in both halves. */
function splitInHalves(rng: Rng, labels: Uint8Array): readonly [Int32Array, Int32Array] {
  const halves: [number[], number[]] = [[], []];
  let next = 0;
  for (const label of [1, 0]) {
    const rows = Int32Array.from(labels.keys()).filter((row) => labels[row] === label);
    shuffle(rng, rows);
    for (const row of rows) halves[next++ % 2]!.push(row);
  }
  if (halves[1].length === 0) halves[1].push(...halves[0]);
  return [Int32Array.from(halves[0]), Int32Array.from(halves[1])];
}

function pick(users: Int32Array, labels: Uint8Array, rows: Int32Array): SampledBatch {
  return { users: rows.map((row) => users[row]!), labels: Float32Array.from(rows, (row) => labels[row]!) };
}

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
