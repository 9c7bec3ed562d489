/** What the campaign routes need to know about the served model. */
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import type { ValueList } from '../information/feature-values.ts';

/** A campaign feature of the served model, with a check whether the model knows a value. */
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
