/** Episodes of meta-training: disjoint support and query batches of one campaign. */
import { type Rng, sampleWithoutReplacement, shuffle } from '../../lib/rng.ts';
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
