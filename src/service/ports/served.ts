/** What a service serves: a model and a population that fit each other. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { Population } from '../../population/read.ts';

/** One immutable value, which a switch replaces whole: nothing else keeps a version of model or population. */
export interface Served {
  /** Counts the values of a service: 1 at its start, one more with each switch. */
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
    /** How the model is adapted to a campaign, in a sentence. */
    readonly summary: string;
  };
  readonly evaluation: Manifest['evaluation'];
}

/** The values of a feature by code: 1 to `size` - 1. */
export interface ValueList {
  readonly size: number;
  token(code: number): string;
}

/** A campaign feature of a model, with a check whether the model knows a value. */
export interface CampaignFeature {
  readonly name: string;
  readonly kind: FeatureKind;
  readonly maxLength?: number;
  /** Numbers of a vector. */
  readonly size?: number;
  isKnown(value: string): boolean;
  /** The values that the model knows. */
  readonly values: ValueList;
}
