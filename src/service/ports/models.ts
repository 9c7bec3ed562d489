/** The service that the routes of models need: the available versions, and which one is served. */
import type { Reason } from '../../domain/types.ts';

/** A version of the general model. */
export interface ModelVersion {
  readonly version: string;
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** When its files were published, in milliseconds since 1970. */
  readonly publishedAt: number;
  readonly bytes: number;
  readonly isServed: boolean;
  /** The last check; null if there was none, or if it rejected the model before the last restart. */
  readonly check: ModelCheck | null;
}

/** The check of a model before it is served, and its outcome. Serialisable. */
export interface ModelCheck {
  readonly kind: 'activation' | 'rollback';
  readonly state: 'checking' | 'served' | 'refused';
  /** The model that was served during the check. */
  readonly fromVersion: string;
  readonly populationVersion: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** The reason for a refusal. */
  readonly reason: Reason | null;
  readonly comparisons: readonly ModelComparison[];
}

/** A campaign expanded with both models; nothing was published. */
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
  /** The served version first, then the others, newest first. @throws AppError storage_failed */
  list(): readonly ModelVersion[];

  /** @throws AppError model_not_found */
  get(version: string): ModelVersion;

  /**
   * Starts the check of a version, which is then served, also after restarts, unless it is refused; `get` returns the
   * outcome. A version that is already served stays.
   * @throws AppError model_not_found, model_rejected (for faults visible at once), unavailable (another check runs, or
   * the engine is not ready), storage_failed
   */
  activate(version: string): ModelVersion;

  /**
   * Does the same for the model that was served before `version`, without a comparison.
   * @throws AppError nothing_to_roll_back (facts: served_model_version), and the errors of `activate`
   */
  rollback(version: string): ModelVersion;
}
