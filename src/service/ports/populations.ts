/** The service that the population routes need: the published versions, and the choice of the served version. */
import type { CheckedValues, Population, PopulationDiff, ShownUsers, VersionSummary } from '../../population/read.ts';

export type { CheckedValues, Population, ShownUsers };

/** A value of a feature. */
export interface FeatureValue {
  readonly feature: string;
  readonly value: string;
}

/** Coverage of a feature in a version, and the share of values that the served model does not know. */
export interface FeatureCoverage {
  readonly name: string;
  /** Number of users who have a value. */
  readonly users: number;
  /** Number of distinct values; null for features without tokens. */
  readonly values: number | null;
  /**
   * Number of values unknown to the served model; null if the model does not read the feature, or if the feature has no
   * tokens.
   */
  readonly unknownValues: number | null;
  /** Share (0 to 1) of all value occurrences in which the value is unknown; null if `unknownValues` is null. */
  readonly unknownShare: number | null;
}

export interface Populations {
  /** Time when the files of the served version were written, in milliseconds since 1970. */
  importedAt(): number;
  /** Lists published versions, newest first. @throws AppError invalid_population */
  list(): readonly VersionSummary[];
  /**
   * Serves a version from now on, even after a restart; requests continue during the switch. If the call throws,
   * nothing has changed.
   * @throws AppError population_not_found, population_rejected, unavailable (an import is running), storage_failed
   */
  activate(version: string): Promise<void>;
  /**
   * Measures coverage in the order of the version's features, by one pass over the version in a separate thread.
   * @throws AppError population_not_found, invalid_population, unavailable (other passes are still waiting)
   */
  coverage(version: string): Promise<readonly FeatureCoverage[]>;
  /** The changes from version `since` to `version`. @throws the errors of `coverage` */
  changes(since: string, version: string): Promise<PopulationDiff>;
  /**
   * Number of users in the served version for each code of a feature, `[dictionary size]`. The first call counts the
   * users in slices, and other requests are served between slices.
   * @throws AppError invalid_population
   */
  countValues(feature: string): Promise<Uint32Array>;
  /** Returns a function that checks features of users who are not in the population, as an import would. */
  openValueCheck(features: Population['features']): (values: unknown) => CheckedValues;
  /**
   * Ids of the first `size` users of `population`, or of the first users with the given value; fewer ids if there are
   * not enough users.
   * @throws AppError invalid_population
   */
  sample(population: Population, size: number, wanted: FeatureValue | null): Promise<readonly string[]>;
}
