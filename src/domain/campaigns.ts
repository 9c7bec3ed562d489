/** When the inputs of a campaign wait for an expansion, and when its refresh policy asks for one. */
import { AppError } from '../lib/errors.ts';
import type { ExpansionState } from './states.ts';
import type { Cause, RefreshPolicy } from './types.ts';

/** Inputs of which an expansion keeps a copy: it is outdated once one of them changes. */
export const COPIED_INPUTS = ['features', 'filters', 'seeds', 'suppression', 'commonSuppression'] as const;

export type CopiedInput = (typeof COPIED_INPUTS)[number];

/** How the inputs of a campaign compare with those of its expansions; `null` if there is no such expansion. */
export interface ComparedInputs {
  readonly hasSeeds: boolean;
  readonly isLatestRunning: boolean;
  readonly sameAsLatest: boolean | null;
  /** As the expansion that made the active audience version. */
  readonly sameAsActive: boolean | null;
}

/**
 * Whether the inputs wait for an expansion: they differ from those of the expansion that runs, else of the one that
 * made the active version, else of the latest. Before the first expansion, seeds wait for one.
 */
export function needsExpansion({ hasSeeds, isLatestRunning, sameAsLatest, sameAsActive }: ComparedInputs): boolean {
  const isSame = isLatestRunning ? sameAsLatest : (sameAsActive ?? sameAsLatest);
  return isSame === null ? hasSeeds : !isSame;
}

/** The latest expansion of a campaign, which has ended. */
export interface EndedExpansion {
  readonly state: ExpansionState;
  readonly createdAt: number;
  readonly populationVersion: string | null;
  readonly hasSameInputs: boolean;
}

/**
 * Why a refresh is due; `null` if it is not. An expansion that failed before it had a population version is left to the
 * interval: the next one may fail likewise.
 */
export function refreshCause(
  { everyMs, onNewPopulation, onChange }: RefreshPolicy,
  latest: EndedExpansion,
  populationVersion: string,
  now: number,
): Cause | null {
  const isOfAnother = latest.populationVersion !== populationVersion;
  const diedBefore = latest.populationVersion === null && latest.state === 'failed';
  if (onNewPopulation && isOfAnother && !diedBefore) return 'population';
  // whatever its outcome, so that a failure is not repeated for ever
  if (onChange && !latest.hasSameInputs) return 'change';
  if (everyMs === null) return null;
  // one from the future was made before the clock went back
  return latest.createdAt + everyMs <= now || latest.createdAt > now ? 'interval' : null;
}

/** Refuses an external id that another campaign has. @throws AppError external_id_taken (facts: campaign_id) */
export function refuseTaken(externalId: string, takenBy: string | undefined): void {
  if (takenBy === undefined) return;
  const message = `campaign ${takenBy} has this external id`;
  throw new AppError('external_id_taken', message, {
    details: [{ pointer: '/external_id', value: externalId, message }],
    facts: { campaign_id: takenBy },
  });
}
