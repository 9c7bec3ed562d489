/** Divides numbers into bands at quantiles. */

/**
 * The lower bounds of all bands except the first: at most `bands` - 1 bounds, strictly ascending. Bands contain about
 * the same number of values each, and equal values are in the same band. NaN is ignored.
 */
export function quantileEdges(values: Float32Array, bands: number): number[] {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const edges: number[] = [];
  // if most values equal the minimum (such as 0 purchases), the other values still form a band
  const aboveLeast = sorted.find((value) => value > sorted[0]!);
  for (let band = 1; band < bands && aboveLeast !== undefined; band++) {
    const edge = Math.max(sorted[Math.floor((band * sorted.length) / bands)]!, aboveLeast);
    if (edge > (edges.at(-1) ?? sorted[0]!)) edges.push(edge);
  }
  return edges;
}

/** The index of a value's band, which is the number of edges that are less than or equal to the value. */
export function bandOf(value: number, edges: readonly number[]): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The label of a band: `< 18`, `18 to 25`, `>= 65`; `all` for a single band. */
export function bandLabel(band: number, edges: readonly number[]): string {
  const text = (edge: number) => String(Number(edge.toPrecision(6)));
  if (edges.length === 0) return 'all';
  if (band === 0) return `< ${text(edges[0]!)}`;
  if (band === edges.length) return `>= ${text(edges.at(-1)!)}`;
  return `${text(edges[band - 1]!)} to ${text(edges[band]!)}`;
}
