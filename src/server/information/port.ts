/** What the routes of information are told of the served model. */
import type { CurrentModel } from './schemas.ts';

/** What is told of the served model, beside its version and features. */
export interface ModelFacts {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly adaptation: CurrentModel['adaptation'];
  readonly evaluation: CurrentModel['evaluation'];
}
