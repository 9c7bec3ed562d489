/** The served model and the served population, which fit each other. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { Population } from '../../population/read.ts';

/**
 * The served versions. The value is immutable, and each switch replaces it as a whole. No other object keeps a version
 * of the model or the population.
 */
export interface Served {
  /** Sequence number of this value: 1 at the start, and increased by 1 at each switch. */
  readonly epoch: number;
  readonly model: ServedModel;
  readonly population: Population;
}

export interface ServedModel {
  readonly version: string;
  readonly facts: ModelFacts;
  readonly campaignFeatures: readonly CampaignFeature[];
}

/** Facts about a model other than its version and features. */
export interface ModelFacts {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly adaptation: {
    readonly optimiser: string;
    readonly negatives_per_seed: number;
    /** A one-sentence description of the adaptation. */
    readonly summary: string;
  };
  readonly evaluation: Manifest['evaluation'];
}

/** The values of a feature by code; codes run from 1 to `size` - 1. */
export interface ValueList {
  readonly size: number;
  token(code: number): string;
}

/** A campaign feature of a model, with its known values. */
export interface CampaignFeature {
  readonly name: string;
  readonly kind: FeatureKind;
  readonly maxLength?: number;
  /** Number of elements of a vector. */
  readonly size?: number;
  isKnown(value: string): boolean;
  /** The values that the model knows. */
  readonly values: ValueList;
}
