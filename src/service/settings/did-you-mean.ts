/** Finds the name that was probably meant. */

/** Maximum number of letters by which a misspelt name may differ from a known name. */
const FARTHEST = 3;

/**
 * The known name nearest to a misspelt name, by letters added, omitted, changed or swapped; null if no name is near.
 */
export function nearestName(given: string, names: readonly string[]): string | null {
  let nearest: string | null = null;
  let least = Math.min(FARTHEST, Math.floor(given.length / 2)) + 1;
  for (const name of names) {
    const distance = distanceOf(given.toLowerCase(), name.toLowerCase());
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

/** Damerau-Levenshtein distance, which counts a swap of two neighbours as one change. */
function distanceOf(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(changed, last[j]! + 1, row[j - 1]! + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) distance = Math.min(distance, before[j - 2]! + 1);
      row.push(distance);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
