/**
 * Regression weights of past campaigns, from which the prior of a model's own regressions is computed. A new campaign's
 * weights are shrunk less in the directions in which past campaigns' weights vary (a prior learned over tasks, as in
 * hierarchical Bayes; see Ando & Zhang 2005).
 */

import type { Device } from '../../../packages/onnx-grad/index.ts';
import { createRng, type Rng, sample } from '../../lib/rng.ts';
import type { CampaignPrior } from '../../model/campaign-prior.ts';
import type { DescentSettings } from '../../model/manifest.ts';
import { bind } from '../../online/binding.ts';
import { encodeUsers } from '../../online/encode.ts';
import { ownToken } from '../../online/own-token.ts';
import { openBoundRegression } from '../../online/regression/bound-regression.ts';
import { symmetricEigen } from '../../online/regression/symmetric-eigen.ts';
import type { Population } from '../../population/read.ts';
import type { CampaignHistory } from '../history/history.ts';
import { membersOf } from '../history/members.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { reaches } from '../history/reach.ts';
import type { InitialModel } from '../meta/initial-model.ts';
import { LEAST_CAMPAIGNS } from './evidence.ts';

/**
 * The regressions of a past campaign, one for each power that has a prior. Power 0 is better if members differ from
 * other users in rare tokens, and .25 if they differ in common tokens.
 */
const SETTINGS = [
  { strength: 0.015, power: 0 },
  { strength: 0.003, power: 0.25 },
] as const;
/**
 * Limits on the number of campaigns, on a campaign's members (and on the users with whom they are compared), and on the
 * total number of weights of all campaigns.
 */
const MOST_CAMPAIGNS = 256;
const MOST_MEMBERS = 2000;
const MOST_WEIGHTS = 32_000_000;
/** Limits on a prior: its number of directions, and the total number of elements of these directions. */
const MOST_RANK = 64;
const MOST_ELEMENTS = 16_000_000;
/** A direction counts as a rounding error if its variance, relative to the first direction's, is below this limit. */
const LEAST_VARIANCE = 1e-6;

/** The weights of regressions with one power, fitted to past campaigns. */
export interface CampaignWeights {
  readonly power: number;
  readonly ids: readonly string[];
  /** Number of elements of the regressions' parameter. */
  readonly width: number;
  /** Weights, `[campaigns, width]`, in shared memory. x . w has a variance of 1 over the population. */
  readonly weights: Float32Array;
  /**
   * Inner products of the campaigns' weights, `[campaigns, campaigns]`, in the coordinates in which a regression
   * shrinks the weights.
   */
  readonly products: Float64Array;
}

/**
 * Fits regressions to the members of each campaign (at most 256 campaigns), without the campaign's own token. Returns
 * an empty list if there are too few campaigns to learn from, or if campaigns are made from the users' own tokens.
 */
export async function regressCampaigns(
  { population, hidden }: Pick<PreparedDataSet, 'population' | 'hidden'>,
  { folder, graph }: InitialModel,
  campaigns: readonly CampaignHistory[],
  { seed, device }: { readonly seed: number; readonly device: Device },
): Promise<readonly CampaignWeights[]> {
  if (hidden || campaigns.length < LEAST_CAMPAIGNS) return [];
  const rng = createRng(`train/${seed}/campaign-weights`);
  const binding = bind(folder, population);
  const model = { graph, manifest: folder.manifest };
  const regression = await openBoundRegression({ model, population, binding }, { device });
  if (regression === null) return [];
  const { width } = regression;
  const most = Math.min(MOST_CAMPAIGNS, Math.floor(MOST_WEIGHTS / width));
  const tried = sample(rng, Int32Array.from(campaigns.keys()), most).sort();
  const all = SETTINGS.map(() => floatsOf(tried.length * width));
  const ids: string[] = [];
  try {
    for (const i of tried) {
      const { id } = campaigns[i]!;
      const { members, others } = sampleUsers(campaigns[i]!, population, rng.fork(id));
      if (members.length === 0) continue;
      const token = ownToken(folder, id);
      const rows = Int32Array.from([...members, ...others]);
      const users = encodeUsers(graph, binding, population.readRows(rows), { without: token });
      const own = await regression.forUsers(users, rows.length, token, null);
      const inside = Int32Array.from(others.keys(), (place) => members.length + place);
      const compared = others.length > 0 ? { inside, outside: new Int32Array(0), share: 0 } : null;
      const fitted = own.fit(Int32Array.from(members.keys()), SETTINGS, compared);
      const deviations = fitted.map(({ elements }) => regression.deviationOf(elements));
      if (deviations.includes(0)) continue;
      for (const [k, { elements }] of fitted.entries())
        all[k]!.set(
          elements.map((x) => x / deviations[k]!),
          ids.length * width,
        );
      ids.push(id);
    }
    if (ids.length < LEAST_CAMPAIGNS) return [];
    return SETTINGS.map(({ power }, k) => {
      const weights = all[k]!;
      return { power, ids, width, weights, products: productsOf(weights, ids.length, regression.scaleOf(power)) };
    });
  } finally {
    await regression.close();
  }
}

/** Zeros in shared memory, because every training thread reads the array. */
function floatsOf(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}

/** Rows of members and, if the campaign has a reach, rows of the other users within reach. */
function sampleUsers(campaign: CampaignHistory, { rowOf }: Pick<Population, 'rowOf'>, rng: Rng) {
  const isMember = new Set(membersOf(campaign));
  const { reach } = campaign;
  const rowsOf = (users: readonly number[]) => Int32Array.from(users, (user) => rowOf[user]!).filter((row) => row >= 0);
  const others = reach ? [...rowOf.keys()].filter((user) => !isMember.has(user) && reaches(reach, user)) : [];
  return {
    members: sample(rng.fork('members'), rowsOf([...isMember]).sort(), MOST_MEMBERS),
    others: sample(rng.fork('others'), rowsOf(others), MOST_MEMBERS),
  };
}

function productsOf(weights: Float32Array, campaigns: number, scale: Float64Array): Float64Array {
  const width = scale.length;
  const scaled = Float32Array.from({ length: campaigns * width }, (_, k) => {
    const factor = scale[k % width]!;
    return factor === 0 ? 0 : weights[k]! / factor;
  });
  const products = new Float64Array(campaigns * campaigns);
  for (let i = 0; i < campaigns; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = 0; t < width; t++) sum += scaled[i * width + t]! * scaled[j * width + t]!;
      products[i * campaigns + j] = products[j * campaigns + i] = sum;
    }
  return products;
}

/** Returns `settings` with the manifest's description of these priors. */
export function withPriors(settings: DescentSettings, priors: readonly CampaignPrior[]): DescentSettings {
  return priors.length === 0 ? settings : { ...settings, priors: priors.map(({ power, rank }) => ({ power, rank })) };
}

/** The priors computed without the campaigns that are treated as future ones; empty if there are no other campaigns. */
export function priorsBefore(
  weights: readonly CampaignWeights[],
  future: readonly string[] = [],
): readonly CampaignPrior[] {
  return weights.map((own) => priorBefore(own, new Set(future)));
}

/** The principal directions of the weights of campaigns that are not treated as future ones. */
function priorBefore(
  { power, ids, width, weights, products }: CampaignWeights,
  future: ReadonlySet<string>,
): CampaignPrior {
  const known = [...ids.keys()].filter((i) => !future.has(ids[i]!));
  const count = known.length;
  const own = Float64Array.from({ length: count * count }, (_, k) => {
    const [i, j] = [known[Math.floor(k / count)]!, known[k % count]!];
    return products[i * ids.length + j]!;
  });
  const { values, vectors } = symmetricEigen(own, count);
  const most = Math.min(MOST_RANK, Math.floor(MOST_ELEMENTS / width));
  const rank = Math.min(most, values.filter((value) => value > LEAST_VARIANCE * values[0]!).length);
  const directions = new Float32Array(rank * width);
  const coordinates = new Float32Array(count * rank);
  const root = Math.sqrt(count);
  for (let r = 0; r < rank; r++)
    for (const [place, i] of known.entries()) {
      const factor = vectors[place * count + r]!;
      coordinates[place * rank + r] = root * factor;
      for (let t = 0; t < width; t++) directions[r * width + t]! += (factor / root) * weights[i * width + t]!;
    }
  return { power, rank, width, directions, campaigns: known.map((i) => ids[i]!), coordinates };
}
