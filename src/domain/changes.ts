/** Causes of expansions and of changes of active versions, and what two audience versions can differ in. */
import type { AudienceCut } from './cuts.ts';

/**
 * What caused an expansion: the campaign's creation, a call, or the refresh policy (its interval, a new population
 * version, a change of inputs).
 */
export const CAUSES = ['created', 'requested', 'interval', 'population', 'change'] as const;

export type Cause = (typeof CAUSES)[number];

/** What created an audience version: an expansion, by its own cause, or another cut of the active version's ranking. */
export const VERSION_CAUSES = [...CAUSES, 'resize'] as const;

export type VersionCause = (typeof VERSION_CAUSES)[number];

/** What changed the active version: a new version, the return to a retained one, or the deletion of the campaign. */
export const CHANGE_CAUSES = [...VERSION_CAUSES, 'rollback', 'deletion'] as const;

export type ChangeCause = (typeof CHANGE_CAUSES)[number];

/** What two audience versions of a campaign can differ in: inputs of their expansions, and cuts of the ranking. */
export const VERSION_PARTS = [
  'features',
  'filters',
  'seeds',
  'feedback',
  'negatives',
  'negative_weight',
  'category',
  'four_fifths',
  'suppression',
  'common_suppression',
  'population',
  'model',
  'size',
  'holdout_percent',
  'cuts',
] as const;

export type VersionPart = (typeof VERSION_PARTS)[number];

/** A change of a campaign's active version. After a deletion, there is no version. */
export interface Change {
  readonly campaignId: string;
  readonly cause: ChangeCause;
  /** What differs from the previous version; null if there is no version to compare with. */
  readonly changed: readonly VersionPart[] | null;
  readonly version: number | null;
  readonly previousVersion: number | null;
  readonly size: number | null;
  /** The named cuts of the version. */
  readonly cuts: readonly AudienceCut[] | null;
  readonly changedAt: number;
}
