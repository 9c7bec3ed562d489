/** Services that the audience routes need: explanations and customised models. */
import type { Explanation } from '../../audience/explanation.ts';
import type { Audience } from '../../domain/types.ts';
import type { CustomisedManifest } from '../../online/customised-manifest.ts';

export type { Explanation };

/** An audience version, and the name of each of its seed sets. */
export type AudienceToExplain = Pick<Audience, 'folder' | 'size' | 'populationVersion'> & {
  readonly seedSets: readonly string[];
};

/** Explains audiences in separate threads, not in the thread that serves requests. */
export interface AudienceExplainer {
  /**
   * Explains an audience with up to `maximumExplanationTokens` tokens per feature. @throws AppError
   * population_unavailable, storage_failed, invalid_population
   */
  explain(task: AudienceToExplain): Promise<Explanation>;
}

/** The description of a customised model, or the manifest of the general model. */
export type ModelDescription = Omit<CustomisedManifest, 'general_model'> & {
  readonly general_model: Readonly<Record<string, unknown>>;
};

/** The customised models of audiences. */
export interface CustomisedModels {
  /**
   * @throws AppError model_not_stored, model_unavailable (facts: model_version, served_model_version), storage_failed
   */
  manifest(audience: Audience): Promise<ModelDescription>;
  /** The ONNX file, in a new buffer. @throws the errors of `manifest` */
  onnx(audience: Audience): Promise<Uint8Array>;
}
