/** What the information routes need to know about the served model. */
import type { CurrentModel } from './schemas.ts';

/** Information about the served model other than its version and features. */
export interface ModelFacts {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly adaptation: CurrentModel['adaptation'];
  readonly evaluation: CurrentModel['evaluation'];
}
