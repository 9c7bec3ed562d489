/** Random histories of two connections and three owners against a model: one owner at a time, no job lost, only legal steps, progress never falls. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEnd, isLegal } from '../../src/campaigns/states.ts';
import { CampaignStore } from '../../src/campaigns/store.ts';
import type { Campaign, Job } from '../../src/campaigns/types.ts';
import { everyoneIsKnown, LEASE_MS, type ManualClock, manualClock, newCampaign, PINS, resultOf } from './stores.ts';

const MAXIMUM_ATTEMPTS = 3;
const OWNERS = ['1:a', '2:b', '3:c'];
const reason = { code: 'storage_failed', message: 'the disk is full' };

/** A call by the owner of a claim. */
type Work =
  | { readonly kind: 'renew' | 'pin' | 'adapt' | 'score' | 'finish' | 'fail'; readonly claim: number }
  | { readonly kind: 'progress'; readonly claim: number; readonly progress: number }
  | { readonly kind: 'retry'; readonly claim: number; readonly delayMs: number };

type Step =
  | Work
  | { readonly kind: 'create' | 'crash' | 'claim'; readonly owner: number }
  | { readonly kind: 'pass'; readonly ms: number };

const owner = fc.nat(OWNERS.length - 1);
/** Counted from the newest claim. */
const claim = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) });
const waits = fc.constantFrom(1, LEASE_MS / 3, LEASE_MS - 1, LEASE_MS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), owner }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('claim' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), owner }) },
  {
    weight: 9,
    arbitrary: fc.record({ kind: fc.constantFrom('renew', 'pin', 'adapt', 'score', 'finish', 'fail'), claim }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('progress' as const),
      claim,
      progress: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retry' as const), claim, delayMs: waits }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: waits }) },
);

/** What the model knows of an expansion that has not ended. */
interface Waiting {
  readonly campaignId: string;
  attempt: number;
  holder: Job | null;
  leaseUntil: number;
  runAfter: number;
}

class History {
  readonly folder = mkdtempSync(join(tmpdir(), 'metaheac-histories-'));
  readonly clock: ManualClock = manualClock();
  readonly stores = [0, 1].map(() =>
    CampaignStore.open(this.folder, {
      clock: this.clock,
      minimumSeeds: 2,
      leaseMs: LEASE_MS,
      maximumAttempts: MAXIMUM_ATTEMPTS,
    }),
  );
  /** In the order of the queue. */
  readonly waiting = new Map<string, Waiting>();
  readonly claims: Job[] = [];
  /** Every campaign as it was last seen. */
  readonly seen = new Map<string, Campaign>();
  readonly finished = new Set<string>();

  run(history: readonly Step[]): void {
    for (const each of history) {
      this.take(each);
      this.look();
    }
    this.drain();
  }

  close(): void {
    for (const store of this.stores) store.close();
    rmSync(this.folder, { recursive: true });
  }

  take(each: Step): void {
    if (each.kind === 'pass') this.clock.pass(each.ms);
    else if ('claim' in each) this.workAt(each);
    else if (each.kind === 'create') this.create(each.owner);
    else if (each.kind === 'claim') this.claim(each.owner);
    else this.crash(each.owner);
  }

  workAt(each: Work): void {
    if (this.claims.length > 0) this.work(each, this.claims.at(-1 - (each.claim % this.claims.length))!);
  }

  storeOf(ownerIndex: number): CampaignStore {
    return this.stores[ownerIndex % 2]!;
  }

  create(ownerIndex: number): void {
    const { id } = this.storeOf(ownerIndex).create(newCampaign(), everyoneIsKnown);
    this.waiting.set(id, { campaignId: id, attempt: 0, holder: null, leaseUntil: 0, runAfter: this.clock.now() });
  }

  claim(ownerIndex: number): Job | null {
    const now = this.clock.now();
    for (const each of [...this.waiting.values()]) {
      if (each.holder !== null && each.leaseUntil <= now && each.attempt >= MAXIMUM_ATTEMPTS)
        this.waiting.delete(each.campaignId);
    }
    const expected = [...this.waiting.values()].find(
      (each) => each.runAfter <= now && (each.holder === null || each.leaseUntil <= now),
    );
    const job = this.storeOf(ownerIndex).claim(OWNERS[ownerIndex]!);
    expect(job?.campaignId).toBe(expected?.campaignId);
    if (job === null || expected === undefined) return null;
    expected.attempt++;
    expect(job.attempt).toBe(expected.attempt);
    expect(job.attempt).toBeLessThanOrEqual(MAXIMUM_ATTEMPTS);
    expect(this.stores[0]!.get(job.campaignId)).toMatchObject({ state: 'queued', reason: null });
    expected.holder = job;
    expected.leaseUntil = now + LEASE_MS;
    this.claims.push(job);
    return job;
  }

  crash(ownerIndex: number): void {
    const held = [...this.waiting.values()].filter((each) => each.holder?.owner === OWNERS[ownerIndex]);
    expect(this.stores[(ownerIndex + 1) % 2]!.releaseOwner(OWNERS[ownerIndex]!)).toBe(held.length);
    for (const each of held) this.giveBack(each, this.clock.now());
  }

  giveBack(each: Waiting, runAfter: number): void {
    if (each.attempt >= MAXIMUM_ATTEMPTS) this.waiting.delete(each.campaignId);
    each.holder = null;
    each.runAfter = runAfter;
  }

  /** One call by the owner of a claim, be it held or long lost: it has an effect exactly if the model says that it is held. */
  work(each: Work, job: Job): void {
    const store = this.storeOf(OWNERS.indexOf(job.owner));
    const waiting = this.waiting.get(job.campaignId);
    const holds = waiting !== undefined && waiting.holder === job;
    const { state } = store.get(job.campaignId);
    if (each.kind === 'renew') {
      expect(store.renew(job)).toBe(holds);
      if (holds) waiting.leaseUntil = this.clock.now() + LEASE_MS;
    } else if (each.kind === 'pin') {
      const pins = { ...PINS, modelVersion: `by ${job.id} ${job.attempt}` };
      const before = store.get(job.campaignId).modelVersion;
      if (holds) expect(store.pin(job, pins).modelVersion).toBe(before ?? pins.modelVersion);
    } else if (each.kind === 'adapt') {
      if (!holds || state === 'queued') expect(store.advance(job, { state: 'adapting' })).toBe(holds);
    } else if (each.kind === 'score') {
      if (!holds || state === 'adapting') expect(store.advance(job, { state: 'scoring' })).toBe(holds);
    } else if (each.kind === 'progress') {
      expect(store.advance(job, { progress: each.progress })).toBe(holds);
    } else if (each.kind === 'retry') {
      expect(store.retryLater(job, reason, each.delayMs)).toBe(holds);
      if (holds) this.giveBack(waiting, this.clock.now() + each.delayMs);
    } else if (each.kind === 'fail') {
      expect(store.end(job, 'failed', reason)).toBe(holds);
      if (holds) this.waiting.delete(job.campaignId);
    } else if (!holds || (state === 'scoring' && store.get(job.campaignId).modelVersion !== null)) {
      expect(store.finish(job, resultOf())).toBe(holds);
      if (holds) this.finish(job);
    }
  }

  finish(job: Job): void {
    expect(this.finished.has(job.campaignId)).toBe(false);
    this.finished.add(job.campaignId);
    this.waiting.delete(job.campaignId);
  }

  /** Compares every campaign with how it was before the step, through one connection and the other. */
  look(): void {
    for (const campaign of this.stores[0]!.list({ limit: 1000 }).items) {
      const before = this.seen.get(campaign.id);
      if (before !== undefined && before.state !== campaign.state) {
        expect(`${before.state} -> ${campaign.state}: ${isLegal(before.state!, campaign.state!)}`).toMatch(/true$/);
      }
      expect(campaign.progress).toBeGreaterThanOrEqual(before?.progress ?? 0);
      if (before?.modelVersion) expect(campaign.modelVersion).toBe(before.modelVersion);
      expect(isEnd(campaign.state!)).toBe(!this.waiting.has(campaign.id));
      expect(campaign.audienceVersion).toBe(this.finished.has(campaign.id) ? 1 : null);
      expect(this.stores[1]!.get(campaign.id)).toEqual(campaign);
      this.seen.set(campaign.id, campaign);
    }
  }

  /** An engine that works on until nothing is left: every campaign comes to its end. */
  drain(): void {
    this.clock.pass(2 * LEASE_MS);
    for (let job = this.claim(0); job !== null; job = this.claim(0)) {
      for (const kind of ['pin', 'adapt', 'score', 'finish'] as const) {
        this.work({ kind, claim: 0 }, job);
        this.look();
      }
    }
    this.look();
    expect(this.waiting.size).toBe(0);
    expect(this.stores[1]!.countsByState()).toMatchObject({
      ready: this.finished.size,
      queued: 0,
      adapting: 0,
      scoring: 0,
    });
  }
}

describe('jobs', () => {
  it('keep their promises over random histories', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), (steps) => {
        const history = new History();
        try {
          history.run(steps);
        } finally {
          history.close();
        }
      }),
      { numRuns: 40, interruptAfterTimeLimit: 40_000 },
    );
  });
});
