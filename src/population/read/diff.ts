/** The differences between two versions of a population: users added, removed and changed. */
import type { Feature } from '../../dataset/features.ts';
import type { Population } from './population.ts';
import { type Column, isTokenColumn, startOf } from './segments.ts';

export interface PopulationDiff {
  readonly added: number;
  readonly removed: number;
  /** Number of users in both versions. */
  readonly kept: number;
  /** Number of users in both versions whose value differs in a feature that both versions have. */
  readonly changed: number;
  readonly changedByFeature: ReadonlyMap<string, number>;
  readonly addedFeatures: readonly string[];
  readonly removedFeatures: readonly string[];
}

/**
 * Compares two versions in one pass over the segments of `after`. The rows of the same users are gathered from
 * `before`. The versions of a folder share codes and user numbers, so values are compared as numbers. Lists with the
 * same tokens in a different order count as different. @throws AppError invalid_population
 */
export function diffPopulations(before: Population, after: Population): PopulationDiff {
  const shared = after.features.filter((feature) => before.features.some((other) => isSame(feature, other)));
  const changedByFeature = new Map(shared.map(({ name }) => [name, 0]));
  let kept = 0;
  let changed = 0;
  for (let segment = 0; segment < after.segmentCount; segment++) {
    const rows = after.readSegment(segment);
    const places = Int32Array.from(rows.userNumbers.keys()).filter(
      (row) => (before.rowOf[rows.userNumbers[row]!] ?? -1) >= 0,
    );
    kept += places.length;
    const old = before.readRows(places.map((row) => before.rowOf[rows.userNumbers[row]!]!));
    const isChanged = new Uint8Array(places.length);
    for (const { name } of shared) {
      const [now, then] = [rows.columns.get(name)!, old.columns.get(name)!];
      places.forEach((row, place) => {
        if (isEqual(now, row, then, place)) return;
        isChanged[place] = 1;
        changedByFeature.set(name, changedByFeature.get(name)! + 1);
      });
    }
    for (const flag of isChanged) changed += flag;
  }
  const missing = (from: readonly Feature[]) =>
    from.filter(({ name }) => !changedByFeature.has(name)).map(({ name }) => name);
  return {
    added: after.rowCount - kept,
    removed: before.rowCount - kept,
    kept,
    changed,
    changedByFeature,
    addedFeatures: missing(after.features),
    removedFeatures: missing(before.features),
  };
}

function isSame(a: Feature, b: Feature): boolean {
  return a.name === b.name && a.kind === b.kind && a.size === b.size;
}

function isEqual(a: Column, rowA: number, b: Column, rowB: number): boolean {
  if (isTokenColumn(a) && isTokenColumn(b)) {
    const [startA, startB] = [startOf(a, rowA), startOf(b, rowB)];
    const length = startOf(a, rowA + 1) - startA;
    if (length !== startOf(b, rowB + 1) - startB) return false;
    for (let i = 0; i < length; i++) if (a.codes[startA + i] !== b.codes[startB + i]) return false;
    return true;
  }
  if (isTokenColumn(a) || isTokenColumn(b)) return false;
  // this comparison treats NaN as equal to NaN
  for (let i = 0; i < a.size; i++)
    if (!Object.is(a.values[rowA * a.size + i], b.values[rowB * b.size + i])) return false;
  return true;
}
