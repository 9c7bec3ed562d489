/** What the routes of audiences need: who explains them, and their customised models. */
import type { Explanation } from '../../audience/explanation.ts';
import type { Audience } from '../../domain/types.ts';
import type { CustomisedManifest } from '../../online/customised-manifest.ts';

export type { Explanation };

/** An audience version, and the sha256 of the user sets that were its seeds. */
export type AudienceToExplain = Pick<Audience, 'folder' | 'size' | 'populationVersion'> & {
  readonly seedSets: readonly string[];
};

/** Explains audiences, away from the thread that answers requests. */
export interface AudienceExplainer {
  /**
   * With up to `maximumExplanationTokens` tokens a feature. @throws AppError population_unavailable, storage_failed,
   * invalid_population
   */
  explain(task: AudienceToExplain): Promise<Explanation>;
}

/** Describes a customised model; of the general model, its manifest as it is. */
export type ModelDescription = Omit<CustomisedManifest, 'general_model'> & {
  readonly general_model: Readonly<Record<string, unknown>>;
};

/** The customised models of audiences. */
export interface CustomisedModels {
  /**
   * @throws AppError model_not_stored, model_unavailable (facts: model_version, served_model_version), storage_failed
   */
  manifest(audience: Audience): Promise<ModelDescription>;
  /** The ONNX file, in memory of its own. @throws as `manifest` */
  onnx(audience: Audience): Promise<Uint8Array>;
}
