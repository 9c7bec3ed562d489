/** Extends a grid by one step along each axis on which the best setting is at an edge. */
import type { Setting } from '../baselines/baselines.ts';

/** How the values of one axis can be extended beyond the grid. */
export interface Axis {
  /**
   * A value is multiplied by the factor to go up, and divided by it to go down. The value zero leaves a part out and is
   * not extended.
   */
  readonly factor?: number;
  /** Replaces the factor: the step is added to go up, and subtracted to go down. */
  readonly step?: number;
  /**
   * Lower bound of the axis. Beyond the bounds, a value makes no further difference, or its part no longer has an
   * effect.
   */
  readonly lowest: number;
  readonly highest: number;
}

export type Axes<S extends Setting> = { readonly [K in keyof S]?: Axis };

/** Maximum number of times that a grid is extended. */
export const MOST_GROWTHS = 4;

/**
 * The settings one step beyond `best`, up or down, along each axis on which `best` is at an edge. `best` is at an edge
 * if it has the highest (or lowest) value among the settings in `tried` with equal values on all other axes, or among
 * all settings if there are no such settings. Empty if `best` is not at an edge, or if the axis ends there.
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

/** Rounds to two digits, which are enough for a strength. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}
