/** What the routes of campaigns need to know of the served model. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { ValueList } from '../information/feature-values.ts';

/** A campaign feature of the served model, with the question whether the model knows a value. */
export interface CampaignFeature {
  readonly name: string;
  readonly kind: FeatureKind;
  readonly maxLength?: number;
  /** Numbers of a vector. */
  readonly size?: number;
  isKnown(value: string): boolean;
  /** Those that the model knows. */
  readonly values: ValueList;
}
