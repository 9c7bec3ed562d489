/** Extends a grid if its best setting is at an edge: one step further along each value that ends there. */
import type { Setting } from '../baselines/baselines.ts';

/** How one value of a setting can be extended beyond its grid. */
export interface Axis {
  /** Multiplies a value to go up and divides it to go down. Zero leaves a part out and is not extended. */
  readonly factor?: number;
  /** Added to go up and subtracted to go down, instead of a factor. */
  readonly step?: number;
  /** Beyond these bounds, more makes no difference, or nothing is left of what the value is for. */
  readonly lowest: number;
  readonly highest: number;
}

export type Axes<S extends Setting> = { readonly [K in keyof S]?: Axis };

/** Maximum number of times that a grid is extended. */
export const MOST_GROWTHS = 4;

/**
 * The settings beyond `best`, along each axis on which no other setting of `tried` that is equal in all other values is
 * lower, or higher; if no other setting is equal in these, all others count. Empty if `best` is inside or the axis
 * ends.
 */
export function beyondEdges<S extends Setting>(axes: Axes<S>, best: S, tried: readonly S[]): S[] {
  return Object.entries<Axis | undefined>(axes).flatMap(([name, axis]) => {
    const value = best[name]!;
    if (!axis || (axis.factor !== undefined && value === 0)) return [];
    const others = tried.filter((other) => other[name] !== value && (axis.factor === undefined || other[name]! > 0));
    const equal = others.filter((other) => Object.keys(best).every((key) => key === name || other[key] === best[key]));
    const line = (equal.length > 0 ? equal : others).map((other) => other[name]!);
    const { factor = 1, step = 0 } = axis;
    const [lower, higher] = [rounded(value / factor - step), rounded(value * factor + step)];
    return [
      ...(line.every((other) => other > value) && lower >= axis.lowest ? [lower] : []),
      ...(line.every((other) => other < value) && higher <= axis.highest ? [higher] : []),
    ].map((next) => ({ ...best, [name]: next }));
  });
}

/** Two digits are enough for a strength. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}
