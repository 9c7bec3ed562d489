/** Masks values that a campaign must not use. In adaptation and scoring, it looks as if no user had them. */
import { createHash } from 'node:crypto';
import { PAST_CAMPAIGNS, type UserRows } from '../population/read.ts';
import type { Binding, BoundFeature } from './binding.ts';

/** The values that are masked for all users. */
export interface Mask {
  /** User features that are masked completely. */
  readonly features: readonly string[];
  /** Past campaigns that are masked in the feature of past campaigns, and in the priors of regressions. */
  readonly campaigns: readonly string[];
}

export function maskId({ features, campaigns }: Mask): string {
  return createHash('sha256')
    .update(JSON.stringify([features, campaigns]))
    .digest('hex')
    .slice(0, 16);
}

/**
 * Returns the binding as it would be if no user had the masked values. Masked tokens take up no position in a list, so
 * even their number is hidden. Masked numbers are the same for all users.
 */
export function maskBinding({ features }: Binding, mask: Mask, population: Pick<UserRows, 'dictionary'>): Binding {
  const masked = features.map((own) => {
    if (mask.features.includes(own.name)) return maskFeature(own);
    return own.name === PAST_CAMPAIGNS ? maskTokens(own, codesOf(mask.campaigns, population)) : own;
  });
  return { features: masked, mask: maskId(mask) };
}

function maskFeature(own: BoundFeature): BoundFeature {
  if (own.kind === 'number' || own.kind === 'vector') return { ...own, isHidden: true, missing: own.missing ?? 0 };
  return maskTokens(own, Int32Array.from(own.tokenIds.keys()));
}

function maskTokens(own: BoundFeature, codes: Int32Array): BoundFeature {
  const tokenIds = own.tokenIds.slice();
  const masked = new Uint8Array(tokenIds.length);
  for (const code of codes) {
    tokenIds[code] = 0;
    masked[code] = 1;
  }
  return { ...own, tokenIds, masked };
}

function codesOf(campaigns: readonly string[], population: Pick<UserRows, 'dictionary'>): Int32Array {
  const dictionary = population.dictionary(PAST_CAMPAIGNS);
  return Int32Array.from(campaigns, (id) => dictionary.find(id)).filter((code) => code !== 0);
}
