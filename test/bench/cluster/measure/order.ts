/** How the order in which a cluster begins campaigns differs from the order of an embedded service. */

/** Pairs of campaigns whose order differs, and the largest move. */
export interface OrderDifference {
  readonly inversions: number;
  readonly pairs: number;
  /** Maximum number of places by which a campaign comes later than in the reference. */
  readonly latest: number;
}

/** Compares two orders of the same campaigns. */
export function compareOrders(reference: readonly number[], order: readonly number[]): OrderDifference {
  const place = new Map(reference.map((campaign, i) => [campaign, i]));
  const places = order.map((campaign) => place.get(campaign)!);
  let inversions = 0;
  for (const [i, first] of places.entries())
    for (const second of places.slice(i + 1)) if (first > second) inversions += 1;
  return {
    inversions,
    pairs: (order.length * (order.length - 1)) / 2,
    latest: Math.max(0, ...places.map((expected, i) => i - expected)),
  };
}

/** The numbers of campaigns in the order of some times. */
export function orderBy(times: readonly number[]): number[] {
  return times.map((_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);
}
