/** The service that the routes of populations need: the published versions, and which one is served. */
import type { Population, PopulationDiff, VersionSummary } from '../../population/read.ts';

export type { Population };

/** A value of a feature. */
export interface FeatureValue {
  readonly feature: string;
  readonly value: string;
}

/** Coverage of a feature in a version, and the part that the served model does not know. */
export interface FeatureCoverage {
  readonly name: string;
  /** Users who have a value. */
  readonly users: number;
  /** Number of distinct values; null for features without tokens, as are the next two. */
  readonly values: number | null;
  /** Number of values unknown to the served model; null also if the model does not read the feature. */
  readonly unknownValues: number | null;
  /** Share of all occurrences that are of unknown values, 0 to 1. */
  readonly unknownShare: number | null;
}

export interface Populations {
  /** When the files of the served version were written, in milliseconds since 1970. */
  importedAt(): number;
  /** Published versions, the newest first. @throws AppError invalid_population */
  list(): readonly VersionSummary[];
  /**
   * Serves a version from now on, also after a restart; requests continue meanwhile. Nothing changes if it throws.
   * @throws AppError population_not_found, population_rejected, unavailable (an import is running), storage_failed
   */
  activate(version: string): Promise<void>;
  /**
   * Coverage in the order of the version's features; takes a pass over the version, in a thread.
   * @throws AppError population_not_found, invalid_population, unavailable (other passes are still waiting)
   */
  coverage(version: string): Promise<readonly FeatureCoverage[]>;
  /** The changes from version `since` to `version`. @throws AppError as `coverage` */
  changes(since: string, version: string): Promise<PopulationDiff>;
  /**
   * Users of the served version by the code of their value of a feature, `[dictionary size]`: counted at the first
   * call, in slices between which requests are served.
   * @throws AppError invalid_population
   */
  countValues(feature: string): Promise<Uint32Array>;
  /**
   * Ids of the first `size` users of `population`, or of the first who have the value; fewer if there are no more.
   * @throws AppError invalid_population
   */
  sample(population: Population, size: number, wanted: FeatureValue | null): Promise<readonly string[]>;
}
