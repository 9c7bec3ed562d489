/** The priors of a model's regressions: the directions along which the weights of past campaigns vary. */
import { z } from 'zod';
import { type ModelFolder, refused } from './folder.ts';
import type { DescentSettings } from './manifest.ts';

/**
 * The float32 little-endian file of the priors. For each prior, in the order of the manifest's `adaptation.priors`: the
 * directions `[rank, width]`, then the coordinates of the campaigns `[campaigns, rank]`.
 */
export const PRIOR_FILE = 'prior.f32';
/** The JSON file with the ids of the campaigns. */
const PRIOR_CAMPAIGNS_FILE = 'prior-campaigns.json';

/**
 * The prior of the regressions with this power. The weights of past campaigns are distributed as N(0, sum of d * d'
 * over the directions d). The weights are scaled so that the variance of a user's logit x . w, averaged over campaigns,
 * is 1.
 */
export interface CampaignPrior {
  readonly power: number;
  readonly rank: number;
  /** Number of elements of the regressions' parameter. */
  readonly width: number;
  /** `[rank, width]` */
  readonly directions: Float32Array;
  readonly campaigns: readonly string[];
  /**
   * Coordinates, `[campaigns, rank]`: a campaign's weights are the sum of the directions, each multiplied by the
   * campaign's coordinate.
   */
  readonly coordinates: Float32Array;
}

/**
 * Checks that no two priors have the same power, and that the prior of each regression exists. @throws AppError
 * invalid_model
 */
export function checkPriors(path: string, { stack, priors = [] }: Pick<DescentSettings, 'stack' | 'priors'>): void {
  const powers = priors.map(({ power }) => power);
  const repeated = powers.find((power, i) => powers.indexOf(power) !== i);
  if (repeated !== undefined) throw refused(path, `the model has two priors with power ${repeated}`);
  const lacking = stack?.regressions.find(({ power, prior }) => prior !== undefined && !powers.includes(power));
  if (lacking)
    throw refused(
      path,
      `a regression with power ${lacking.power} has a prior, but \`priors\` has no prior with that power`,
    );
}

/**
 * Reads the priors of a model folder; empty if the manifest has none.
 * @throws AppError invalid_model
 */
export function readPriors(folder: ModelFolder, width: number): readonly CampaignPrior[] {
  const { adaptation } = folder.manifest;
  const stated = adaptation.optimiser === 'gradient_descent' ? (adaptation.priors ?? []) : [];
  if (stated.length === 0) return [];
  const campaigns = readCampaigns(folder);
  const bytes = folder.read(PRIOR_FILE);
  const ranks = stated.reduce((sum, { rank }) => sum + rank, 0);
  const expected = ranks * (width + campaigns.length) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.length !== expected)
    throw refused(
      folder.path,
      `${PRIOR_FILE} has ${bytes.length} bytes, but its ${ranks} directions need ${expected} (${width} weights and ` +
        `${campaigns.length} campaigns each)`,
    );
  const all = new Float32Array(Uint8Array.from(bytes).buffer);
  if (!all.every(Number.isFinite)) throw refused(folder.path, `${PRIOR_FILE} contains NaN or infinity`);
  let at = 0;
  const next = (length: number): Float32Array => {
    at += length;
    return all.subarray(at - length, at);
  };
  return stated.map(({ power, rank }) => ({
    power,
    rank,
    width,
    campaigns,
    directions: next(rank * width),
    coordinates: next(campaigns.length * rank),
  }));
}

function readCampaigns(folder: ModelFolder): readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(folder.read(PRIOR_CAMPAIGNS_FILE)).toString('utf8'));
  } catch (error) {
    throw refused(folder.path, `${PRIOR_CAMPAIGNS_FILE} is not JSON`, error);
  }
  const parsed = z.array(z.string()).safeParse(json);
  if (!parsed.success) throw refused(folder.path, `${PRIOR_CAMPAIGNS_FILE} is not a list of ids`);
  return parsed.data;
}

/** Returns the files of the priors by name. All priors must come from the same campaigns. */
export function encodePriors(priors: readonly CampaignPrior[]): ReadonlyMap<string, Uint8Array> {
  const [first] = priors;
  if (!first) return new Map();
  const parts = priors.flatMap(({ directions, coordinates }) => [directions, coordinates]);
  return new Map([
    [PRIOR_FILE, Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)))],
    [PRIOR_CAMPAIGNS_FILE, Buffer.from(`${JSON.stringify(first.campaigns)}\n`)],
  ]);
}
