/** The prior of a model's regressions: where in the space of weights those of past campaigns lie. */
import { type ModelFolder, refused } from './folder.ts';

/** float32 little-endian `[rank, width]`; as many directions as the manifest's `adaptation.prior.rank` says. */
export const PRIOR_FILE = 'prior.f32';

/**
 * Weights of past campaigns vary along these directions: N(0, sum of d d'), where a user's logit x . w has a variance of
 * 1 in the mean over campaigns.
 */
export interface CampaignPrior {
  readonly rank: number;
  /** Elements of the regressions' parameter. */
  readonly width: number;
  /** `[rank, width]` */
  readonly directions: Float32Array;
}

/** The prior in the folder; null if its manifest has none. @throws AppError invalid_model */
export function readPrior(folder: ModelFolder, width: number): CampaignPrior | null {
  const { adaptation } = folder.manifest;
  const rank = adaptation.optimiser === 'gradient_descent' ? adaptation.prior?.rank : undefined;
  if (rank === undefined) return null;
  const bytes = folder.read(PRIOR_FILE);
  const expected = rank * width * Float32Array.BYTES_PER_ELEMENT;
  if (bytes.length !== expected)
    throw refused(
      folder.path,
      `${PRIOR_FILE} has ${bytes.length} bytes, not the ${expected} of ${rank} directions of ${width} weights`,
    );
  const directions = new Float32Array(Uint8Array.from(bytes).buffer);
  if (!directions.every(Number.isFinite)) throw refused(folder.path, `${PRIOR_FILE} contains NaN or infinity`);
  return { rank, width, directions };
}

export function encodePrior({ directions }: CampaignPrior): Uint8Array {
  return new Uint8Array(directions.buffer, directions.byteOffset, directions.byteLength);
}
