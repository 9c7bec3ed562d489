/** What a measurement needs, and what it returns. */
import type { CostsFile } from '../costs.ts';
import type { Ending } from './ending.ts';

export interface MeasureOptions {
  /** Small sizes: seconds instead of minutes. */
  readonly quick: boolean;
  readonly note: (line: string) => void;
  readonly ending: Ending;
  /** The folder of a population with so many users. Nobody changes it. */
  readonly populationOf: (users: number) => Promise<string>;
  /** The costs that the simulation has so far. */
  readonly known: CostsFile;
}

export interface Measurement {
  /** Its table, and what was measured how, as Markdown. */
  readonly lines: readonly string[];
  /** All figures, for machines: repeats in the order in which they were measured. */
  readonly figures: Readonly<Record<string, readonly number[]>>;
  /** Measured costs, for the simulation. */
  readonly costs?: CostsFile;
}
