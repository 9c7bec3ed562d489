/** Stores in temporary folders, a clock set by hand, and small inputs for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { CampaignStore, type StoreOptions } from '../../src/campaigns/store.ts';
import type { ExpansionResult, Job, NewCampaign } from '../../src/campaigns/types.ts';
import type { Clock } from '../../src/lib/clock.ts';

export interface ManualClock extends Clock {
  pass(ms: number): void;
}

export function manualClock(): ManualClock {
  let now = 1_700_000_000_000;
  return {
    now: () => now,
    elapsed: () => now,
    pass: (ms) => {
      now += ms;
    },
  };
}

const folders: string[] = [];
const opened: CampaignStore[] = [];
// here and not where they are made: a hook that is added within a test never runs
afterAll(() => {
  for (const store of opened) store.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-campaigns-'));
  folders.push(folder);
  return folder;
}

export const LEASE_MS = 30_000;
export const PINS = { modelVersion: 'model-1', populationVersion: 'population-1' };

/** A data folder with its clock, and as many connections to it as a test wants. */
export function dataFolder(options: Partial<StoreOptions> = {}): {
  readonly folder: string;
  readonly clock: ManualClock;
  open(): CampaignStore;
} {
  const folder = temporaryFolder();
  const clock = manualClock();
  const all = { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3, ...options };
  return {
    folder,
    clock,
    open: () => {
      const store = CampaignStore.open(folder, all);
      opened.push(store);
      return store;
    },
  };
}

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
    quality: { auc: 0.8 },
    ...changes,
  };
}

/** Takes a job from its claim to its finish. */
export function expand(store: CampaignStore, job: Job, result: Partial<ExpansionResult> = {}): boolean {
  store.pin(job, PINS);
  store.advance(job, { state: 'adapting' });
  store.advance(job, { state: 'scoring' });
  return store.finish(job, resultOf(result));
}
