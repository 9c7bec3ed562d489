/**
 * The plan of an adaptation: folds of the seeds, negatives for every epoch, and the order of the batches. Everything is
 * sampled before the first step.
 */
import { createHash } from 'node:crypto';
import { createRng, type Rng, sample, shuffle } from '../lib/rng.ts';
import { sortedEntries } from '../lib/text/canonical-json.ts';
import type { AdamSettings } from '../model/manifest.ts';
import type { AddedRows } from '../population/read.ts';
import type { CampaignValues } from './encode.ts';
import { type Mask, maskId } from './mask.ts';
import { heldOutSeeds, matchNegatives, type Outside, pickWeights, totalWeight, without } from './negatives.ts';
import { ENOUGH_SEEDS } from './quality/seed-ranks.ts';

/** A batch: rows of the population and their labels. */
export interface PlannedBatch {
  readonly rows: Int32Array;
  readonly labels: Float32Array;
  /** The weight of each row in the loss; absent if all are 1. */
  readonly weights?: Float32Array;
}

/** A pass: epochs of batches that contain some of the positives. */
export interface PlannedPass {
  readonly epochs: readonly (readonly PlannedBatch[])[];
}

/** A pass over the seeds outside one fold. */
export interface PlannedFold extends PlannedPass {
  /** The seeds of the fold, ascending; they are in none of the epochs of this pass. */
  readonly heldOut: Int32Array;
}

export interface AdaptationPlan {
  /** Passes that determine the number of epochs; empty if there are too few seeds. */
  readonly folds: readonly PlannedFold[];
  /** Candidates among whom held-out seeds are ranked, ascending; no fold uses these candidates as negatives. */
  readonly others: Int32Array;
  /** The final pass, over all seeds. */
  readonly final: PlannedPass;
}

const NO_ROWS = new Int32Array(0);
const NOBODY: Outside = { seeds: NO_ROWS, others: NO_ROWS, dismissed: NO_ROWS };
/** Limits for the candidates among whom held-out seeds are ranked: their number, and their share of all candidates. */
const MOST_OTHERS = 2000;
const OTHERS_SHARE = 0.25;
/** Maximum number of candidates from which the negatives of all folds are sampled; higher if an epoch needs more. */
const FOLD_POOL = 20_000;

/**
 * Returns the key of all random numbers of an expansion. The key contains everything that the audience may depend on,
 * and nothing else. Rows are rows of the population version, in ascending order.
 */
export function planKey(what: {
  readonly modelVersion: string;
  readonly populationVersion: string;
  /**
   * The mask, and a checksum of the users' ids and rows. The checksum replaces the population version, which also
   * depends on masked values.
   */
  readonly masked?: { readonly mask: Mask; readonly usersSum: string } | null;
  readonly features: CampaignValues;
  /** For each filtered user feature, the accepted tokens or range; empty if every user may be ranked. */
  readonly filters: Readonly<Record<string, readonly string[] | { readonly min?: number; readonly max?: number }>>;
  readonly seeds: Int32Array;
  /** Absent if all seeds have the same weight. */
  readonly seedWeights?: Float32Array | undefined;
  /** The sha256 of the features of seeds who are not in the population; absent if there are none. */
  readonly seedRows?: string | undefined;
  readonly suppressed: Int32Array;
  readonly dismissed: Int32Array;
  /** As in `CustomiseRequest`. */
  readonly negativeWeight?: number;
}): string {
  const filters = sortedEntries(what.filters).map(([name, filter]) => [
    name,
    'length' in filter ? [...new Set(filter)].sort() : [filter.min ?? null, filter.max ?? null],
  ]);
  const { masked } = what;
  const population = masked ? [masked.usersSum, maskId(masked.mask)] : what.populationVersion;
  const hash = createHash('sha256').update(
    JSON.stringify([what.modelVersion, population, sortedEntries(what.features), filters]),
  );
  for (const rows of [what.seeds, what.suppressed, what.dismissed]) hash.update(`/${rows.length}/`).update(rows);
  if (what.seedWeights) hash.update('/weights/').update(what.seedWeights);
  if (what.seedRows) hash.update(`/rows/${what.seedRows}`);
  const { dismissed, negativeWeight = 1 } = what;
  if (negativeWeight !== 1 && dismissed.length > 0) hash.update(`/negatives/${negativeWeight}`);
  return hash.digest('hex');
}

/** The users of a campaign, as rows of the population, ascending. */
export interface PlanInputs {
  readonly seeds: Int32Array;
  /** The weight of each seed, with mean 1. */
  readonly seedWeights?: Float32Array | undefined;
  /** As in `CustomiseRequest`. */
  readonly seedRows?: AddedRows;
  readonly candidates: Int32Array;
  /** Candidates who are negatives in every epoch. */
  readonly dismissed?: Int32Array;
  /** As in `CustomiseRequest`. */
  readonly negativeWeight?: number;
  /** The users outside the filters; present if there are filters. The candidates fit the filters. */
  readonly outside?: Outside | null;
}

/**
 * Samples the plan. Negatives are matched to the seeds and sampled without replacement within an epoch; if there are
 * too few candidates, all of them are used. Only `heldOutSeeds` are held out, because held-out seeds are ranked among
 * candidates. Each of them is in one fold. Once `ENOUGH_SEEDS` are held out, no more folds are planned.
 */
export function samplePlan(key: string, users: PlanInputs, settings: AdamSettings): AdaptationPlan {
  const { seeds, candidates, dismissed = NO_ROWS } = users;
  const rng = createRng(key);
  const final = samplePass(rng.fork('final'), users, settings);
  const unchosen = { folds: [], others: NO_ROWS, final };
  const stopping = settings.early_stopping;
  if (!stopping) return unchosen;
  const parts = Math.round(1 / stopping.held_out_share);
  const fitting = heldOutSeeds(users);
  const rankable = without(candidates, dismissed);
  if (fitting.length < Math.max(parts, stopping.minimum_held_out) || rankable.length === 0) return unchosen;
  const split = rng.fork('folds');
  const shuffled = fitting.slice();
  shuffle(split, shuffled);
  const others = sample(split, rankable, Math.min(MOST_OTHERS, Math.ceil(OTHERS_SHARE * rankable.length))).sort();
  const left = without(candidates, others);
  const negatives = Math.round(seeds.length * settings.negatives_per_seed);
  const pool = sample(split, left, Math.max(FOLD_POOL, negatives)).sort();
  const folds: PlannedFold[] = [];
  for (let part = 0, ranked = 0; part < parts && ranked < ENOUGH_SEEDS; part++) {
    const heldOut = shuffled.filter((_, place) => place % parts === part).sort();
    const learning = without(seeds, heldOut);
    // if holding out seeds and candidates leaves no seed or no candidate to learn from, no folds are planned
    if (learning.length === 0 || pool.length === 0) return unchosen;
    const seedWeights = pickWeights(users, learning);
    const inputs = { ...users, seeds: learning, seedWeights, candidates: pool };
    folds.push({ ...samplePass(rng.fork(`fold/${part}`), inputs, settings), heldOut });
    ranked += heldOut.length;
  }
  return { folds, others, final };
}

function samplePass(
  rng: Rng,
  { seeds: positives, seedWeights, candidates, dismissed = NO_ROWS, negativeWeight = 1, ...users }: PlanInputs,
  settings: AdamSettings,
): PlannedPass {
  const outside = users.outside ?? NOBODY;
  const share = totalWeight(outside.seeds, { seeds: positives, seedWeights }) / positives.length;
  // if all seeds fit the filters, so do all negatives
  const always = share === 0 ? dismissed : Int32Array.from([...dismissed, ...outside.dismissed]);
  const { inside, outside: out } = matchNegatives(
    Math.round(positives.length * settings.negatives_per_seed),
    share,
    { inside: candidates.length, outside: share === 0 ? 0 : outside.others.length },
    { inside: dismissed.length, outside: always.length - dismissed.length },
  );
  const explicit = negativeWeight === 1 ? null : new Set(always);
  const weightOf =
    seedWeights || explicit?.size
      ? {
          positive: (place: number) => seedWeights?.[place] ?? 1,
          negative: (row: number) => (explicit?.has(row) ? negativeWeight : 1),
        }
      : null;
  const sampleOthers = () => {
    const own = sample(rng, candidates, inside);
    const sampled = out === 0 ? own : Int32Array.from([...own, ...sample(rng, outside.others, out)]);
    return always.length === 0 ? sampled : Int32Array.from(new Set([...sampled, ...always]));
  };
  let negatives = sampleOthers();
  const epochs = Array.from({ length: settings.epochs }, (_, epoch) => {
    if (epoch > 0 && settings.resample_negatives) negatives = sampleOthers();
    return cutBatches(rng, positives, negatives, settings.batch, weightOf);
  });
  return { epochs };
}

/** The weights in the loss: of positives by position, and of negatives by row. */
interface LossWeights {
  positive(place: number): number;
  negative(row: number): number;
}

/** Positives and negatives in random order, split into batches of nearly equal size, none larger than `most`. */
function cutBatches(
  rng: Rng,
  positives: Int32Array,
  negatives: Int32Array,
  most: number,
  weightOf: LossWeights | null,
): PlannedBatch[] {
  const total = positives.length + negatives.length;
  const order = Int32Array.from({ length: total }, (_, i) => i);
  shuffle(rng, order);
  const batches = Math.max(1, Math.ceil(total / most));
  return Array.from({ length: batches }, (_, i) => {
    const part = order.subarray(Math.floor((i * total) / batches), Math.floor(((i + 1) * total) / batches));
    const rows = new Int32Array(part.length);
    const labels = new Float32Array(part.length);
    const weights = weightOf && new Float32Array(part.length);
    for (let j = 0; j < part.length; j++) {
      const at = part[j]!;
      const isPositive = at < positives.length;
      rows[j] = isPositive ? positives[at]! : negatives[at - positives.length]!;
      labels[j] = isPositive ? 1 : 0;
      if (weights) weights[j] = isPositive ? weightOf.positive(at) : weightOf.negative(rows[j]!);
    }
    return weights ? { rows, labels, weights } : { rows, labels };
  });
}
