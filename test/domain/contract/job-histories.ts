/**
 * Random histories of two connections and three owners, while callers expand, cancel, resize, roll back and delete: the
 * rows of the store are always those that the domain's decisions produce. The rules themselves are tested without a
 * store.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type ExpansionCommand } from '../../../src/domain/expansions.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { isEnd, isLegal } from '../../../src/domain/states.ts';
import type { Job } from '../../../src/domain/types.ts';
import { size } from '../../fixture/size.ts';
import { applied, type ExpansionRow, isFree, queuedRow, RULES } from './expansion-row.ts';
import { everyoneIsKnown, LEASE_MS, type ManualClock, newCampaign, PINS, resultOf } from './inputs.ts';
import type { NewData, TestData } from './new-data.ts';

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
  | {
      readonly kind: 'expand' | 'cancel' | 'delete' | 'resize' | 'activate';
      readonly owner: number;
      readonly campaign: number;
    }
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
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('expand', 'expand', 'cancel', 'resize', 'activate', 'delete'),
      owner,
      campaign: fc.nat(9),
    }),
  },
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

/** An expansion that has not ended. */
interface Waiting {
  readonly campaignId: string;
  readonly expansionId: string;
  row: ExpansionRow;
}

class History {
  readonly clock: ManualClock;
  readonly caughtUp: TestData['caughtUp'];
  readonly stores: readonly CampaignStore[];
  /** By campaign, in the order of the queue. */
  readonly waiting = new Map<string, Waiting>();
  readonly claims: Job[] = [];
  /** The versions of every existing campaign, and which one is active. */
  readonly versions = new Map<string, { count: number; active: number | null; size: number }>();
  changes = 0;

  constructor({ clock, caughtUp }: Pick<TestData, 'clock' | 'caughtUp'>, stores: readonly CampaignStore[]) {
    this.clock = clock;
    this.caughtUp = caughtUp;
    this.stores = stores;
  }

  static async open(newData: NewData): Promise<History> {
    const data = newData();
    return new History(data, [await data.open(), await data.open()]);
  }

  async run(history: readonly Step[]): Promise<void> {
    for (const each of history) {
      await this.take(each);
      await this.look();
    }
    await this.drain();
  }

  async close(): Promise<void> {
    for (const store of this.stores) await store.close();
  }

  async take(each: Step): Promise<void> {
    if (each.kind === 'pass') this.clock.pass(each.ms);
    else if ('claim' in each) await this.workAt(each);
    else if (each.kind === 'create') await this.create(each.owner);
    else if (each.kind === 'claim') await this.claim(each.owner);
    else if (each.kind === 'crash') await this.crash(each.owner);
    else if ('campaign' in each)
      await this.command(
        each.kind,
        each.owner,
        [...this.versions.keys()].at(each.campaign % (this.versions.size || 1)),
      );
  }

  async workAt(each: Work): Promise<void> {
    if (this.claims.length > 0) await this.work(each, this.claims.at(-1 - (each.claim % this.claims.length))!);
  }

  storeOf(ownerIndex: number): CampaignStore {
    return this.stores[ownerIndex % 2]!;
  }

  async create(ownerIndex: number): Promise<void> {
    const { id, expansionId } = await this.storeOf(ownerIndex).create(newCampaign(), everyoneIsKnown);
    this.versions.set(id, { count: 0, active: null, size: 10 });
    this.wait(id, expansionId!);
  }

  wait(campaignId: string, expansionId: string): void {
    this.waiting.delete(campaignId); // behind all others
    this.waiting.set(campaignId, { campaignId, expansionId, row: queuedRow(this.clock.now()) });
  }

  /** Applies a decision of the domain to a row. */
  decide(waiting: Waiting, command: ExpansionCommand): void {
    waiting.row = applied(waiting.row, decide(waiting.row, command, RULES, this.clock.now()));
    if (!waiting.row.hasJob) this.waiting.delete(waiting.campaignId);
  }

  /** What a caller may do to a campaign at any moment. */
  async command(
    kind: 'expand' | 'cancel' | 'delete' | 'resize' | 'activate',
    ownerIndex: number,
    id: string | undefined,
  ): Promise<void> {
    if (id === undefined) return;
    const store = this.storeOf(ownerIndex);
    const known = this.versions.get(id)!;
    if (kind === 'expand') this.wait(id, (await store.expand(id)).id);
    else if (kind === 'cancel') {
      const { expansionId, state } = await store.get(id);
      const cancel = async () => (await store.cancel(id, expansionId!)).state;
      if (isEnd(state!) && state !== 'cancelled')
        await expect(cancel()).rejects.toThrow(`the expansion is already ${state}`);
      else expect(await cancel()).toBe('cancelled');
      this.waiting.delete(id);
    } else if (kind === 'resize') {
      known.size = known.size === 10 ? 20 : 10;
      await store.update(id, { audience: { size: known.size } });
      if (known.active !== null && (await store.audienceVersions(id, { limit: 1 })).items[0]!.version > known.count)
        this.publish(id);
    } else if (kind === 'activate' && known.active !== null) {
      const version = 1 + (this.changes % known.count);
      expect((await store.activate(id, version)).version).toBe(version);
      if (known.active !== version) this.changes++;
      known.active = version;
    } else if (kind === 'delete') {
      await store.delete(id);
      if (known.active !== null) this.changes++;
      this.versions.delete(id);
      this.waiting.delete(id);
    }
  }

  publish(id: string): void {
    const known = this.versions.get(id)!;
    known.count++;
    known.active = known.count;
    this.changes++;
  }

  async claim(ownerIndex: number): Promise<Job | null> {
    for (const each of [...this.waiting.values()]) this.decide(each, { kind: 'expire' });
    const expected = [...this.waiting.values()].find(({ row }) => isFree(row, this.clock.now()));
    const job = await this.storeOf(ownerIndex).claim(OWNERS[ownerIndex]!);
    expect(job?.expansionId).toBe(expected?.expansionId);
    if (job === null || expected === undefined) return null;
    this.decide(expected, { kind: 'claim', owner: OWNERS[ownerIndex]! });
    const { attempt, deaths, token, pins } = expected.row;
    expect(job).toMatchObject({ attempt, deaths, token, pins });
    this.claims.push(job);
    return job;
  }

  async crash(ownerIndex: number): Promise<void> {
    const held = [...this.waiting.values()].filter(({ row }) => row.owner === OWNERS[ownerIndex]);
    expect(await this.stores[(ownerIndex + 1) % 2]!.releaseOwner(OWNERS[ownerIndex]!)).toBe(held.length);
    for (const each of held) this.decide(each, { kind: 'release', how: 'died' });
  }

  /** One call by the owner of a claim, held or lost: it has an effect if and only if the claim holds. */
  async work(each: Work, job: Job): Promise<void> {
    const store = this.storeOf(OWNERS.indexOf(job.owner));
    const waiting = this.waiting.get(job.campaignId);
    const row = waiting?.expansionId === job.expansionId ? waiting.row : undefined;
    const holds = row !== undefined && row.token === job.token && row.owner === job.owner;
    expect(await store.isHeld(job)).toBe(holds);
    const [command, call] = this.callOf(each, job, store);
    if (holds && !isPossible(row, command)) return;
    expect(await call()).toBe(holds);
    if (!holds) return;
    this.decide(waiting!, command);
    if (command.kind === 'finish') this.publish(job.campaignId);
  }

  /** A command, and the call of the store that carries it out. */
  callOf(each: Work, job: Job, store: CampaignStore): readonly [ExpansionCommand, () => Promise<boolean>] {
    const pins = { ...PINS, modelVersion: `by ${job.id} ${job.attempt}` };
    const fail = { kind: 'end', state: 'failed', reason } as const;
    if (each.kind === 'progress') return [{ ...each, kind: 'advance' }, () => store.advance(job, each)];
    if (each.kind === 'retry') return [{ ...each, reason }, () => store.retryLater(job, reason, each.delayMs)];
    const calls: { readonly [K in typeof each.kind]: readonly [ExpansionCommand, () => Promise<boolean>] } = {
      renew: [{ kind: 'renew' }, () => store.renew(job)],
      pin: [{ kind: 'pin', pins }, async () => (await store.isHeld(job)) && (await store.pin(job, pins)) !== null],
      adapt: [{ kind: 'advance', state: 'adapting' }, () => store.advance(job, { state: 'adapting' })],
      score: [{ kind: 'advance', state: 'scoring' }, () => store.advance(job, { state: 'scoring' })],
      finish: [{ kind: 'finish', result: resultOf() }, () => store.finish(job, resultOf())],
      fail: [fail, () => store.end(job, 'failed', reason)],
    };
    return calls[each.kind];
  }

  /** Compares every campaign and expansion with how it was before the step, through one connection and the other. */
  async look(): Promise<void> {
    await this.caughtUp();
    const campaigns = (await this.stores[0]!.list({ limit: 1000 })).items;
    expect(campaigns.map(({ id }) => id).sort()).toEqual([...this.versions.keys()].sort());
    for (const campaign of campaigns) {
      const row = this.waiting.get(campaign.id)?.row;
      if (row !== undefined)
        expect(campaign).toMatchObject({
          ...{ state: row.state, progress: row.progress },
          ...{ modelVersion: row.pins?.modelVersion ?? null, populationVersion: row.pins?.populationVersion ?? null },
        });
      for (const { id, state } of (await this.stores[1]!.expansionsOf(campaign.id, { limit: 100 })).items)
        if (id !== campaign.expansionId) expect(isEnd(state)).toBe(true);
      expect(isEnd(campaign.state!)).toBe(!this.waiting.has(campaign.id));
      expect(campaign.audienceVersion).toBe(this.versions.get(campaign.id)!.active);
      expect(await this.stores[1]!.get(campaign.id)).toEqual(campaign);
    }
    const active = [...this.versions].filter(([, { active }]) => active !== null).map(([id]) => id);
    expect((await this.stores[1]!.activeAudiences()).map(({ campaignId }) => campaignId).sort()).toEqual(active.sort());
    expect((await this.stores[0]!.changes(undefined, 10_000)).items).toHaveLength(this.changes);
  }

  /** An engine that works until nothing is left: every expansion ends. */
  async drain(): Promise<void> {
    this.clock.pass(2 * LEASE_MS);
    for (let job = await this.claim(0); job !== null; job = await this.claim(0)) {
      for (const kind of ['pin', 'adapt', 'score', 'finish'] as const) {
        await this.work({ kind, claim: 0 }, job);
        await this.look();
      }
    }
    await this.look();
    expect(this.waiting.size).toBe(0);
    expect(await this.stores[1]!.countsByState()).toMatchObject({ queued: 0, adapting: 0, scoring: 0 });
  }
}

/** Whether the owner of a claim may make this call now; otherwise it would be a bug in the engine. */
function isPossible({ state, pins }: ExpansionRow, command: ExpansionCommand): boolean {
  if (command.kind === 'finish') return state === 'scoring' && pins !== null;
  return command.kind !== 'advance' || command.state === undefined || isLegal(state, command.state);
}

export function describeJobHistories(newData: NewData): void {
  describe('jobs', () => {
    it('keep their promises over random histories', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), async (steps) => {
          const history = await History.open(newData);
          try {
            await history.run(steps);
          } finally {
            await history.close();
          }
        }),
        { numRuns: size(6, 10), interruptAfterTimeLimit: 40_000 },
      );
    });
  });
}
