/** The service that the model routes need: the available versions, and the choice of the served version. */
import type { Reason } from '../../domain/types.ts';
import type { ShadowComparison } from '../../engine/messages.ts';

/** A version of the general model. */
export interface ModelVersion {
  readonly version: string;
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Time when the files of the model were published, in milliseconds since 1970. */
  readonly publishedAt: number;
  readonly bytes: number;
  readonly isServed: boolean;
  /** The last check of the model; null if the model was never checked, or was rejected before the last restart. */
  readonly check: ModelCheck | null;
}

/** The check of a model before it is served, and the outcome of the check. Serialisable. */
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
  readonly comparisons: readonly ShadowComparison[];
}

/** `list` and `get` return promises where the list of models is in object storage. */
export interface Models {
  /** Lists the served version first, then the other versions, newest first. @throws AppError storage_failed */
  list(): readonly ModelVersion[] | Promise<readonly ModelVersion[]>;

  /** @throws AppError model_not_found, model_rejected (its manifest is damaged), storage_failed */
  get(version: string): ModelVersion | Promise<ModelVersion>;

  /**
   * Starts the check of a version; `get` returns the outcome. Unless the check refuses the version, the service serves
   * it from then on, even after restarts. A version that is already served is not checked again.
   * @throws AppError model_not_found, model_rejected (for faults visible at once), unavailable (another check runs, or
   * the engine is not ready), storage_failed
   */
  activate(version: string): Promise<ModelVersion>;

  /**
   * Activates the model that was served before `version`, without a comparison.
   * @throws AppError nothing_to_roll_back (facts: served_model_version), and the errors of `activate`
   */
  rollback(version: string): Promise<ModelVersion>;
}
