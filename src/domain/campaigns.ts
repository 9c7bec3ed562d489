/** Whether a campaign's inputs need an expansion, and when its refresh policy causes an expansion. */
import { AppError } from '../lib/errors.ts';
import type { Cause } from './changes.ts';
import type { ExpansionState } from './states.ts';
import type { RefreshPolicy } from './types.ts';

/** Inputs that are copied into an expansion. The expansion is outdated when one of these inputs changes. */
export const COPIED_INPUTS = [
  'features',
  'filters',
  'seeds',
  'negatives',
  'negativeWeight',
  'category',
  'fourFifths',
  'suppression',
  'commonSuppression',
] as const;

export type CopiedInput = (typeof COPIED_INPUTS)[number];

/**
 * How a campaign's inputs compare with the inputs of its expansions. A comparison is `null` if there is no such
 * expansion.
 */
export interface ComparedInputs {
  readonly hasSeeds: boolean;
  readonly isLatestRunning: boolean;
  readonly sameAsLatest: boolean | null;
  /** Whether the inputs equal the inputs of the expansion that made the active audience version. */
  readonly sameAsActive: boolean | null;
}

/**
 * Whether a campaign's inputs need an expansion. The inputs are compared with the inputs of the running expansion.
 * Without a running expansion, they are compared with the inputs of the expansion that made the active version, or else
 * of the latest expansion. A campaign that was never expanded needs an expansion as soon as it has seeds.
 */
export function needsExpansion({ hasSeeds, isLatestRunning, sameAsLatest, sameAsActive }: ComparedInputs): boolean {
  const isSame = isLatestRunning ? sameAsLatest : (sameAsActive ?? sameAsLatest);
  return isSame === null ? hasSeeds : !isSame;
}

/** The latest expansion of a campaign, once it has ended. */
export interface EndedExpansion {
  readonly state: ExpansionState;
  readonly createdAt: number;
  readonly populationVersion: string | null;
  readonly hasSameInputs: boolean;
}

/**
 * Returns why a refresh is due; `null` if no refresh is due. If the served population version is `null`, no refresh is
 * due because of it. If the latest expansion failed before it had a population
 * version, only the interval causes another expansion, because another expansion might fail in the same way.
 */
export function refreshCause(
  { everyMs, onNewPopulation, onChange }: RefreshPolicy,
  latest: EndedExpansion,
  populationVersion: string | null,
  now: number,
): Cause | null {
  const isOfAnother = populationVersion !== null && latest.populationVersion !== populationVersion;
  const diedBefore = latest.populationVersion === null && latest.state === 'failed';
  if (onNewPopulation && isOfAnother && !diedBefore) return 'population';
  // the outcome of the latest expansion does not matter here, so a failure is not repeated forever
  if (onChange && !latest.hasSameInputs) return 'change';
  if (everyMs === null) return null;
  // a creation time in the future means that the clock has since been set back
  return latest.createdAt + everyMs <= now || latest.createdAt > now ? 'interval' : null;
}

/**
 * Throws if another campaign has the external id.
 * @throws AppError external_id_taken (facts: campaign_id)
 */
export function refuseTaken(externalId: string, takenBy: string | undefined): void {
  if (takenBy === undefined) return;
  const message = `campaign ${takenBy} already has this external id`;
  throw new AppError('external_id_taken', message, {
    details: [{ pointer: '/external_id', value: externalId, message }],
    facts: { campaign_id: takenBy },
  });
}
