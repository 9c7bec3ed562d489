/** What the campaign routes need to know about the served model. */
import type { ValueList } from '../information/feature-values.ts';

/** A campaign feature of the served model, with a check whether the model knows a value. */
export interface CampaignFeature {
  readonly name: string;
  readonly kind: 'single' | 'multi';
  readonly maxLength?: number;
  isKnown(value: string): boolean;
  /** The values that the model knows. */
  readonly values: ValueList;
}
