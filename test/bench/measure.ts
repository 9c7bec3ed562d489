/** Times two ways in turn, so that a machine's changing speed affects both. */
import { median } from './report.ts';

export interface Timing {
  /** Median milliseconds of each way. */
  readonly ms: readonly number[];
  /** Median of the ratios first / other, pair by pair. */
  readonly ratios: readonly number[];
}

/** Runs the ways A B A B .. after one round that is not counted. */
export async function compare(rounds: number, ways: readonly (() => Promise<unknown>)[]): Promise<Timing> {
  const times: number[][] = ways.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, way] of ways.entries()) {
      const start = performance.now();
      await way();
      if (round > 0) times[i]!.push(performance.now() - start);
    }
  }
  return {
    ms: times.map(median),
    ratios: times.map((own) => median(own.map((time, round) => times[0]![round]! / time))),
  };
}
