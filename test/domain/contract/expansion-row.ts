/** An expansion and its job as in a store: one row, to which the effects of decisions are applied. */
import type { ExpansionEffects, RunningExpansion } from '../../../src/domain/expansions.ts';
import { LEASE_MS } from './inputs.ts';

export const RULES = { minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 };

export interface ExpansionRow extends RunningExpansion {
  readonly owner: string | null;
  readonly runAfter: number;
  readonly hasJob: boolean;
  /** How often webhooks were notified. */
  readonly told: number;
}

export function queuedRow(now: number): ExpansionRow {
  return {
    ...{ state: 'queued', progress: 0, startedAt: null, pins: null },
    ...{ attempt: 0, deaths: 0, token: 0, leaseUntil: null, owner: null },
    ...{ runAfter: now, hasJob: true, told: 0 },
  };
}

export function applied(row: ExpansionRow, { expansion, job, isTold }: ExpansionEffects): ExpansionRow {
  const { modelVersion, populationVersion } = expansion;
  const pins = modelVersion && populationVersion ? { modelVersion, populationVersion } : row.pins;
  const changed = { ...row, ...(expansion as Partial<ExpansionRow>), pins, told: row.told + Number(isTold) };
  return job === 'removed' ? { ...changed, hasJob: false } : { ...changed, ...job };
}

/** Whether a job can be claimed. */
export function isFree({ hasJob, runAfter, leaseUntil }: ExpansionRow, now: number): boolean {
  return hasJob && runAfter <= now && (leaseUntil === null || leaseUntil <= now);
}
