/** What the routes of models need: the versions that the service has, and which of them is served. */
import type { Reason } from '../../domain/types.ts';

/** A version of the general model. */
export interface ModelVersion {
  readonly version: string;
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** When its files were put there, in ms since 1970. */
  readonly publishedAt: number;
  readonly bytes: number;
  readonly isServed: boolean;
  /** The last one; null if it was never checked, or refused before the last restart. */
  readonly check: ModelCheck | null;
}

/** How a model that is to be served was checked, and what came of it. Serialisable. */
export interface ModelCheck {
  readonly kind: 'activation' | 'rollback';
  readonly state: 'checking' | 'served' | 'refused';
  /** The model that was served meanwhile. */
  readonly fromVersion: string;
  readonly populationVersion: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Why it was refused. */
  readonly reason: Reason | null;
  readonly comparisons: readonly ModelComparison[];
}

/** A campaign expanded with both models; nothing of it was published. */
export interface ModelComparison {
  readonly campaignId: string;
  readonly seeds: number;
  readonly scored: number;
  readonly overlap: Readonly<Record<string, number>>;
  readonly served: PredictedQuality;
  readonly fresh: PredictedQuality;
}

export interface PredictedQuality {
  readonly verdict: string | null;
  readonly auc: number | null;
  readonly recall: number | null;
}

export interface Models {
  /** The served one first, then the newest. @throws AppError storage_failed */
  list(): readonly ModelVersion[];

  /** @throws AppError model_not_found */
  get(version: string): ModelVersion;

  /**
   * Begins to check a version, and serves it from then on, also after a restart, unless it is refused; `get` says what
   * became of it. One that is served already stays.
   * @throws AppError model_not_found, model_rejected (what can be seen at once), unavailable (another one is being
   * checked; the engine is not ready), storage_failed
   */
  activate(version: string): ModelVersion;

  /**
   * The same for the model that was served before `version`, without a comparison.
   * @throws AppError nothing_to_roll_back (facts: served_model_version), and as `activate`
   */
  rollback(version: string): ModelVersion;
}
