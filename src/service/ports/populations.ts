/** What the routes of populations need: the versions of the folder, and which of them is served. */
import type { Population, PopulationDiff, VersionSummary } from '../../population/read.ts';

export type { Population };

/** A value of a feature. */
export interface FeatureValue {
  readonly feature: string;
  readonly value: string;
}

/** A feature of a version: who has it, and what of it the served model does not know. */
export interface FeatureCoverage {
  readonly name: string;
  /** Users who have a value. */
  readonly users: number;
  /** Different values that users have; null of features without tokens, as are the next two. */
  readonly values: number | null;
  /** Those of them that the served model does not know; null also where it does not read the feature. */
  readonly unknownValues: number | null;
  /** How much of all that users have of it is unknown, 0 to 1. */
  readonly unknownShare: number | null;
}

export interface Populations {
  /** When the files of the served version were written, in ms since 1970. */
  importedAt(): number;
  /** Published versions, the newest first. @throws AppError invalid_population */
  list(): readonly VersionSummary[];
  /**
   * Serves a version from now on, and after a restart; requests go on meanwhile. Nothing changes if it throws.
   * @throws AppError population_not_found, population_rejected, unavailable (an import runs), storage_failed
   */
  activate(version: string): Promise<void>;
  /**
   * In the order of the version's features; a pass over it, in a thread.
   * @throws AppError population_not_found, invalid_population, unavailable (other passes are waited for)
   */
  coverage(version: string): Promise<readonly FeatureCoverage[]>;
  /** What `version` has that `since` had not. @throws AppError as `coverage` */
  changes(since: string, version: string): Promise<PopulationDiff>;
  /**
   * Users of the served version by the code of their value of a feature, `[dictionary size]`: counted at the first
   * call, in turns with requests. @throws AppError invalid_population
   */
  countValues(feature: string): Promise<Uint32Array>;
  /**
   * Ids of the first `size` users of `population`, or of the first who have the value; fewer if there are no more.
   * @throws AppError invalid_population
   */
  sample(population: Population, size: number, wanted: FeatureValue | null): Promise<readonly string[]>;
}
