/**
 * Replaces hidden tokens. A user with a hidden token gets another token, drawn for this user. If the token were only
 * left out, a shorter list or a missing value would reveal who had it.
 */
import type { Population } from '../population/read.ts';

/**
 * The tokens of a feature that are hidden in the values of all users; null hides all values of a number or vector
 * feature.
 */
export interface Hidden {
  readonly feature: string;
  readonly tokens: readonly string[] | null;
}

/** The values that are hidden for campaigns that were made from tokens, as plain data. */
export interface HiddenTokens {
  readonly byCampaign: ReadonlyMap<string, readonly Hidden[]>;
  /** The replacement codes for each feature with tokens, drawn according to their frequency among users. */
  readonly draws: ReadonlyMap<string, Int32Array>;
}

/** All values that are hidden for any of `campaigns`. */
export function hiddenBy({ byCampaign }: HiddenTokens, campaigns: readonly string[]): readonly Hidden[] {
  return campaigns.flatMap((campaign) => byCampaign.get(campaign) ?? []);
}

/**
 * The hidden tokens of one feature, by code in the population's dictionary, and the codes from which replacements are
 * drawn.
 */
export interface Swap {
  readonly isHidden: Uint8Array;
  readonly draws: Int32Array;
}

/** Number of draws after which a hidden token is left out instead of replaced. */
const TRIES = 16;

/** The swap of each feature; null if the whole feature is hidden. Features that hide no values are absent. */
export function swapsOf(
  population: Population,
  hidden: readonly Hidden[],
  draws: HiddenTokens['draws'],
): ReadonlyMap<string, Swap | null> {
  const out = new Map<string, Swap | null>();
  for (const { feature, tokens } of hidden) {
    const dictionary = population.dictionary(feature);
    const known = out.get(feature);
    if (tokens === null || known === null) {
      out.set(feature, null);
      continue;
    }
    const swap = known ?? { isHidden: new Uint8Array(dictionary.size), draws: draws.get(feature)! };
    for (const token of tokens) swap.isHidden[dictionary.find(token)] = 1;
    // code 0 is not a token
    swap.isHidden[0] = 0;
    out.set(feature, swap);
  }
  return out;
}

/** Returns the token that replaces `code` for a user; 0 if no token is left. The replacement may be `code` itself. */
export function swapped({ isHidden, draws }: Swap, user: number, code: number): number {
  if (isHidden[code] === 0) return code;
  const first = mix(user, code) % draws.length;
  for (let i = 0; i < TRIES; i++) {
    const drawn = draws[(first + i) % draws.length]!;
    if (isHidden[drawn] === 0) return drawn;
  }
  return 0;
}

/** MurmurHash3's finaliser, applied to both numbers. */
function mix(user: number, code: number): number {
  let h = Math.imul(user, 0x9e3779b1) ^ Math.imul(code, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
