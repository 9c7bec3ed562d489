/** A clock set by hand, and small inputs for the tests of stores. */
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { ExpansionResult, Job, NewCampaign } from '../../../src/domain/types.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { RECEIPT } from '../../fixture/receipt.ts';

export interface ManualClock extends Clock {
  pass(ms: number): void;
  /** Changes only the time of day. */
  jump(ms: number): void;
}

export function manualClock(): ManualClock {
  let elapsed = 1_700_000_000_000;
  let ahead = 0;
  return {
    now: () => elapsed + ahead,
    elapsed: () => elapsed,
    pass: (ms) => {
      elapsed += ms;
    },
    jump: (ms) => {
      ahead += ms;
    },
  };
}

export const LEASE_MS = 30_000;
export const PINS = { modelVersion: 'model-1', populationVersion: 'population-1' };

export const everyoneIsKnown = (): boolean => true;

export function newCampaign(changes: Partial<NewCampaign> = {}): NewCampaign {
  return {
    name: 'spring shoes',
    features: { category: 'shoes', tags: ['sport', 'new'] },
    featureCounts: { unknown: 0, missing: 0 },
    seeds: ['ann', 'bob', 'cid'],
    audience: { size: 10 },
    ...changes,
  };
}

export function resultOf(changes: Partial<ExpansionResult> = {}): ExpansionResult {
  return {
    folder: 'audiences/c/e',
    candidates: 97,
    populationSize: 100,
    excluded: { seeds: 3, suppressed: 0, filtered: 0 },
    timings: { adapting: 1.5, scoring: 0.5 },
    computedWith: { device: 'cpu', threads: 2, batchSize: 1024 },
    quality: { auc: 0.8 },
    receipt: RECEIPT,
    ...changes,
  };
}

/** Takes a job from its claim to its finish. */
export async function expand(store: CampaignStore, job: Job, result: Partial<ExpansionResult> = {}): Promise<boolean> {
  await store.pin(job, PINS);
  await store.advance(job, { state: 'adapting' });
  await store.advance(job, { state: 'scoring' });
  return await store.finish(job, resultOf(result));
}
