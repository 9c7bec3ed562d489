/** Chooses the members of a campaign: the users who like the campaign most, with some noise. */
import type { Rng } from '../../lib/rng.ts';

/** Minimum number of members of a campaign, including seeds and hidden members. */
const FEWEST_MEMBERS = 4;

/**
 * Returns `[users]`: 1 for the given `share` of users with the highest liking + noise, else 0. The unit of `noise` is
 * the standard deviation of `liking`.
 */
export function topShare(liking: Float64Array, share: number, noise: number, rng: Rng): Uint8Array {
  const users = liking.length;
  const spread = spreadOf(liking);
  const score = liking.map((x) => x + noise * spread * rng.normal());
  const count = Math.max(FEWEST_MEMBERS, Math.round(share * users));
  const cut = score.slice().sort()[users - count]!;
  return Uint8Array.from(score, (x) => (x >= cut ? 1 : 0));
}

/**
 * With probability `active`, makes each user a member of the campaign with the highest liking + noise (standard Gumbel,
 * so P ~ exp(liking / (noise * spread of the liking))). Both `likings` and the result are `[campaigns][users]`.
 */
export function favourites(
  likings: readonly Float64Array[],
  { active, noise }: { readonly active: number; readonly noise: number },
  rng: Rng,
): Uint8Array[] {
  const members = likings.map(({ length }) => new Uint8Array(length));
  const spreads = likings.map((liking) => noise * spreadOf(liking));
  for (let user = 0; user < (likings[0]?.length ?? 0); user++) {
    const isActive = rng.uniform() < active;
    let best = 0;
    let greatest = Number.NEGATIVE_INFINITY;
    for (const [campaign, liking] of likings.entries()) {
      const chance = -Math.log(-Math.log(1 - rng.uniform()));
      const score = liking[user]! / spreads[campaign]! + chance;
      if (score > greatest) [best, greatest] = [campaign, score];
    }
    if (isActive) members[best]![user] = 1;
  }
  return members;
}

/** The standard deviation of `values`. */
function spreadOf(values: Float64Array): number {
  let sum = 0;
  let squares = 0;
  for (const x of values) {
    sum += x;
    squares += x * x;
  }
  return Math.sqrt(squares / values.length - (sum / values.length) ** 2);
}
