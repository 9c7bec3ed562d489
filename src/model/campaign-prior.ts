/** The priors of a model's regressions: where in the space of weights those of past campaigns lie. */
import { type ModelFolder, refused } from './folder.ts';
import type { DescentSettings } from './manifest.ts';

/** float32 little-endian, `[rank, width]` of each prior in the order of the manifest's `adaptation.priors`. */
export const PRIOR_FILE = 'prior.f32';

/**
 * The prior of regressions of this power. Weights of past campaigns vary along its directions: N(0, sum of d d'), where
 * a user's logit x . w has a variance of 1 in the mean over campaigns.
 */
export interface CampaignPrior {
  readonly power: number;
  readonly rank: number;
  /** Elements of the regressions' parameter. */
  readonly width: number;
  /** `[rank, width]` */
  readonly directions: Float32Array;
}

/** Refuses two priors of one power, and a regression whose prior the model lacks. @throws AppError invalid_model */
export function checkPriors(path: string, { stack, priors = [] }: Pick<DescentSettings, 'stack' | 'priors'>): void {
  const powers = priors.map(({ power }) => power);
  const repeated = powers.find((power, i) => powers.indexOf(power) !== i);
  if (repeated !== undefined) throw refused(path, `it has two priors of power ${repeated}`);
  const lacking = stack?.regressions.find(({ power, prior }) => prior !== undefined && !powers.includes(power));
  if (lacking)
    throw refused(path, `a regression of power ${lacking.power} has a prior, but \`priors\` has none of that power`);
}

/** The priors in the folder: none if its manifest has none. @throws AppError invalid_model */
export function readPriors(folder: ModelFolder, width: number): readonly CampaignPrior[] {
  const { adaptation } = folder.manifest;
  const stated = adaptation.optimiser === 'gradient_descent' ? (adaptation.priors ?? []) : [];
  if (stated.length === 0) return [];
  const bytes = folder.read(PRIOR_FILE);
  const ranks = stated.reduce((sum, { rank }) => sum + rank, 0);
  const expected = ranks * width * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.length !== expected)
    throw refused(
      folder.path,
      `${PRIOR_FILE} has ${bytes.length} bytes, not the ${expected} of ${ranks} directions of ${width} weights`,
    );
  const all = new Float32Array(Uint8Array.from(bytes).buffer);
  if (!all.every(Number.isFinite)) throw refused(folder.path, `${PRIOR_FILE} contains NaN or infinity`);
  let from = 0;
  return stated.map(({ power, rank }) => {
    const directions = all.subarray(from, from + rank * width);
    from += rank * width;
    return { power, rank, width, directions };
  });
}

export function encodePriors(priors: readonly CampaignPrior[]): Uint8Array {
  return Buffer.concat(
    priors.map(({ directions: { buffer, byteOffset, byteLength } }) => Buffer.from(buffer, byteOffset, byteLength)),
  );
}
