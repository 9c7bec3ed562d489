/** The time of a service whose machine's clock jumps, with a clock of the test's own and a real store. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CampaignStore } from '../../src/domain/ports/store.ts';
import { FollowedClock } from '../../src/lib/followed-clock.ts';
import { ServiceClock } from '../../src/lib/service-clock.ts';
import type { StoredClock } from '../../src/storage/sql/clock.ts';
import { openStore } from '../../src/storage/sqlite/adapter.ts';
import { everyoneIsKnown, type ManualClock, manualClock, newCampaign } from '../domain/contract/inputs.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SETTLE_MS = HOUR_MS;
const LEASE_MS = 15_000;
const ACTION = { actor: 'admin', address: null, action: 'test', resource: null, resourceId: null } as const;

let machine: ManualClock;
let folder = '';
let sleptMs = 0;
beforeEach(() => {
  sleptMs = 0;
  machine = manualClock();
  folder = temporaryFolder();
});

/** Waits until the times that the clock has stored so far are on disk. */
const stored = (store: CampaignStore) => (store.clock as StoredClock).close();

interface Started {
  readonly clock: ServiceClock;
  readonly store: CampaignStore;
  /** Time passes, second by second as the service looks at it. */
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
  /** Ends the service as `kill -9` does. */
  kill(): Promise<void>;
}

/** Starts a service on the folder, in a run of the machine with this name. */
async function start(boot: string | null = 'first'): Promise<Started> {
  const clock = new ServiceClock({ system: machine, boot, settleMs: SETTLE_MS, sleptMs: () => sleptMs });
  const store = await openStore(folder, { clock, minimumSeeds: 1, leaseMs: LEASE_MS, maximumAttempts: 3 });
  clock.attach(store.clock);
  await stored(store);
  let isOpen = true;
  const stop = async () => {
    if (isOpen) await store.close();
    isOpen = false;
  };
  onTestFinished(stop);
  return {
    clock,
    store,
    pass: async (ms) => {
      for (let done = 0; done < ms; done += SECOND_MS) {
        machine.pass(SECOND_MS);
        clock.look();
      }
      await stored(store);
    },
    stop: async () => {
      clock.remember();
      await stop();
    },
    kill: stop,
  };
}

/** The same, after the machine's clock was believed. */
async function startSettled(): Promise<Started> {
  const started = await start();
  await started.pass(SETTLE_MS);
  expect(started.clock.status).toMatchObject({ state: 'settled', aheadMs: 0, settlesInMs: null });
  return started;
}

async function jump({ clock, store }: Started, ms: number): Promise<void> {
  machine.jump(ms);
  clock.look();
  await stored(store);
}

const record = async ({ store }: Started, action: string) =>
  store.audit.record({ action: { ...ACTION, action, status: 200, requestId: null }, isRecorded: false });
const actionsSince = async ({ store }: Started, since: number) =>
  (await store.audit.list({ since, limit: 100 })).items.map(({ action }) => action);

/** A delivery whose next attempt is due in so many milliseconds. */
async function failedDelivery({ store, clock }: Started, delayMs: number): Promise<void> {
  const input = { url: 'https://example.com/', events: ['campaign.ready'], description: '' } as const;
  const { webhook } = await store.webhooks.create(input, 10, clock.now());
  await store.outbox.ping(webhook.id, clock.now());
  const [delivery] = await store.outbox.due(clock.now(), 1);
  const failure = { status: 500, error: null, durationMs: 1, isGone: false };
  await store.outbox.record(
    delivery!,
    { ...failure, state: 'pending', nextAttemptAt: clock.now() + delayMs },
    clock.now(),
  );
}

const isDue = async ({ store, clock }: Started) => (await store.outbox.due(clock.now(), 1)).length === 1;
const queuedSeconds = async ({ store }: Started) => (await store.health.queue()).oldestSeconds;

describe('a clock that goes back two hours', () => {
  it('makes no retry of a webhook wait for longer than its delay, nor when it is believed', async () => {
    const service = await startSettled();
    await failedDelivery(service, 30 * SECOND_MS);
    await jump(service, -2 * HOUR_MS);
    expect(service.clock.status).toMatchObject({ state: 'jumped', aheadMs: -2 * HOUR_MS, jumps: 1 });
    await service.pass(29 * SECOND_MS);
    expect(await isDue(service)).toBe(false);
    await service.pass(SECOND_MS);
    expect(await isDue(service)).toBe(true);

    await failedDelivery(service, SETTLE_MS + 60 * SECOND_MS);
    await service.pass(SETTLE_MS);
    expect(service.clock.status).toMatchObject({ state: 'settled', aheadMs: 0 });
    expect(service.clock.now()).toBe(machine.now());
    const first = (await service.store.outbox.due(service.clock.now(), 1)).length;
    await service.pass(61 * SECOND_MS);
    expect((await service.store.outbox.due(service.clock.now(), 1)).length).toBe(first + 1);
  });

  it('makes no expired key valid again, for ever and after a start', async () => {
    const service = await startSettled();
    const input = {
      name: 'short',
      scope: 'read',
      labels: {},
      expiresAt: service.clock.now() + 10 * SECOND_MS,
    } as const;
    const { apiKey } = await service.store.apiKeys.create(input, 10);
    const { apiKey: other } = await service.store.apiKeys.create(
      { ...input, expiresAt: service.clock.now() + DAY_MS },
      10,
    );
    await service.pass(11 * SECOND_MS);
    await jump(service, -2 * HOUR_MS);
    await service.pass(2 * SETTLE_MS);
    expect(service.clock.now()).toBe(machine.now());
    expect(apiKey.expiresAt).toBeGreaterThan(service.clock.now() - 2 * HOUR_MS);
    expect((await service.store.apiKeys.find(apiKey.id))?.expiredAt).not.toBeNull();
    expect((await service.store.apiKeys.find(other.id))?.expiredAt).toBeNull();
    await service.stop();
    machine.jump(-30 * DAY_MS);
    expect((await (await start('second')).store.apiKeys.find(apiKey.id))?.expiredAt).not.toBeNull();
  });

  it('hides no entry of the audit log from who follows it by time', async () => {
    const service = await startSettled();
    await record(service, 'before');
    const [before] = (await service.store.audit.list({ limit: 1 })).items;
    await service.pass(10 * SECOND_MS);
    const polled = service.clock.now();
    await jump(service, -2 * HOUR_MS);
    await record(service, 'held');
    await service.pass(SETTLE_MS + SECOND_MS);
    await record(service, 'believed');
    expect((await service.store.audit.list({ limit: 9 })).items.at(-1)!.at).toBeLessThan(before!.at);
    expect(await actionsSince(service, before!.at)).toEqual(['before', 'held', 'believed']);
    expect(await actionsSince(service, polled)).toEqual(['held', 'believed']);
    expect((await service.store.audit.list({ until: polled, limit: 9 })).items.map(({ action }) => action)).toEqual([
      'before',
    ]);
  });

  it('takes an event that comes later for the later one', async () => {
    const service = await startSettled();
    const { store, clock } = service;
    const { id } = await store.create(newCampaign(), everyoneIsKnown);
    const add = async (event: 'click' | 'dismissal') =>
      store.addFeedback(id, [{ userId: 'ann', event, happenedAt: clock.now(), isNow: true }]);
    expect(await add('click')).toMatchObject({ taken: 1 });
    await jump(service, -2 * HOUR_MS);
    service.clock.confirm();
    expect(await add('dismissal')).toMatchObject({ taken: 1, users: { click: 0, dismissal: 1 } });
    // with a time of its own it is as old as it says
    const old = { userId: 'ann', event: 'click', happenedAt: clock.now() } as const;
    expect(await store.addFeedback(id, [old])).toMatchObject({ taken: 0, outdated: 1 });
  });

  it('expands by the interval at once rather than two hours later', async () => {
    const service = await startSettled();
    const { store, clock } = service;
    const { id } = await store.create(
      newCampaign({ refresh: { everyMs: 60 * SECOND_MS, onNewPopulation: false, onChange: false } }),
      everyoneIsKnown,
    );
    const job = (await store.claim('1:engine'))!;
    await store.end(job, 'failed', { code: 'internal', message: 'test' });
    await jump(service, -2 * HOUR_MS);
    await service.pass(SETTLE_MS);
    expect(clock.now()).toBe(machine.now());
    await store.expandDue('p');
    expect((await store.get(id)).state).toBe('queued');
  });
});

describe('a clock that goes forward three hours', () => {
  it('makes nothing wait longer, runs no lease out, and does not age what there is', async () => {
    const service = await startSettled();
    const { store, clock } = service;
    await store.create(newCampaign(), everyoneIsKnown);
    const job = (await store.claim('1:engine'))!;
    await store.create(newCampaign(), everyoneIsKnown);
    const answers = { before: clock.before(DAY_MS)! };
    await jump(service, 3 * HOUR_MS);
    await service.pass(5 * SECOND_MS);
    expect(await queuedSeconds(service)).toBe(5);
    expect(clock.before(DAY_MS)).toBeNull();
    const other = (await store.claim('2:other'))!;
    expect(await store.claim('2:other')).toBeNull();
    for (let done = 0; done < SETTLE_MS; done += 5 * SECOND_MS) {
      await service.pass(5 * SECOND_MS);
      expect([await store.renew(job), await store.renew(other)]).toEqual([true, true]);
      expect(await store.claim('3:other')).toBeNull();
    }
    expect(clock.now()).toBe(machine.now());
    // a day ago is a day of the service's own time ago, whatever it was corrected by
    const passed = SETTLE_MS + 5 * SECOND_MS;
    expect(clock.before(DAY_MS)).toBe(answers.before + passed);
    await store.create(newCampaign(), everyoneIsKnown);
    await service.pass(2 * SECOND_MS);
    expect(await queuedSeconds(service)).toBe(2);
  });

  it('is believed at once where an operator confirms it, with what is too old by it', async () => {
    const service = await startSettled();
    const before = service.clock.before(DAY_MS)!;
    await jump(service, 3 * HOUR_MS);
    service.clock.confirm();
    expect(service.clock.status).toMatchObject({ state: 'settled', aheadMs: 0, jumps: 1 });
    expect(service.clock.before(DAY_MS)).toBe(before + 3 * HOUR_MS);
  });

  it('is forgotten where it comes back, and begins anew where it jumps again', async () => {
    const service = await startSettled();
    await jump(service, 3 * HOUR_MS);
    await service.pass(60 * SECOND_MS);
    await jump(service, -3 * HOUR_MS);
    expect(service.clock.status).toMatchObject({ state: 'settled', aheadMs: 0, jumps: 1 });
    await jump(service, 3 * HOUR_MS);
    await service.pass(SETTLE_MS - 60 * SECOND_MS);
    await jump(service, HOUR_MS);
    await service.pass(SETTLE_MS - 60 * SECOND_MS);
    expect(service.clock.status).toMatchObject({ state: 'jumped', jumps: 3, settlesInMs: 60 * SECOND_MS });
    await service.pass(60 * SECOND_MS);
    expect(service.clock.status).toMatchObject({ state: 'settled', aheadMs: 0 });
  });
});

/** Claims a job, fails its attempt, and returns whether the job can be claimed once its delay of 2 s has passed. */
async function isRetried({ store, pass }: Started): Promise<boolean> {
  const job = await store.claim('1:engine');
  if (job === null) return false;
  await store.retryLater(job, { code: 'internal', message: 'test' }, 2 * SECOND_MS);
  await pass(2 * SECOND_MS);
  return (await store.claim('2:engine')) !== null;
}

describe('a clock that was not trusted yet', () => {
  it.each([
    ['the same run of the machine', 'first', -40 * DAY_MS],
    ['another run of the machine', 'second', -40 * DAY_MS],
    ['a system without boot ids', null, -2 * HOUR_MS],
    ['the same run, by less than a jump', 'first', -30 * 60 * SECOND_MS],
    ['another run, by less than a jump', 'second', -30 * 60 * SECOND_MS],
  ])('keeps waiting times if it goes back while the service is down: %s', async (_, boot, ms) => {
    const service = await start('first');
    await service.pass(70 * SECOND_MS);
    await service.store.create(newCampaign(), everyoneIsKnown);
    await failedDelivery(service, 30 * SECOND_MS);
    service.clock.look();
    await service.kill();
    machine.jump(ms);
    const next = await start(boot);
    expect(next.clock.status).toMatchObject({ state: 'new', aheadMs: 0 });
    expect(await queuedSeconds(next)).toBeLessThan(61);
    await next.pass(61 * SECOND_MS);
    expect(await isDue(next)).toBe(true);
    expect(await isRetried(next)).toBe(true);
  });

  it('makes nothing wait longer if it goes forward while the service is down', async () => {
    const service = await start();
    await service.store.create(newCampaign(), everyoneIsKnown);
    await failedDelivery(service, 30 * SECOND_MS);
    await service.kill();
    machine.jump(40 * DAY_MS);
    const next = await start();
    expect(next.clock.now()).toBe(machine.now());
    expect(await queuedSeconds(next)).toBe(0);
    expect(await isDue(next)).toBe(false);
    await next.pass(30 * SECOND_MS);
    expect(await isDue(next)).toBe(true);
  });

  it('loses no step that could not be written before the service was killed', async () => {
    const service = await start();
    await jump(service, 40 * DAY_MS);
    await service.store.create(newCampaign(), everyoneIsKnown);
    vi.spyOn(service.store.clock, 'step').mockImplementation(() => {
      throw new Error('disk I/O error');
    });
    await jump(service, -40 * DAY_MS);
    await service.kill();
    expect(await isRetried(await start())).toBe(true);
  });
});

describe('an engine that has not heard of a step yet', () => {
  /** The engine's store, with a clock that still shows the service's time before any step. */
  async function openEngine({ clock }: Started): Promise<CampaignStore> {
    const followed = new FollowedClock(machine);
    followed.follow(clock.offsetMs);
    const options = { clock: followed, minimumSeeds: 1, leaseMs: LEASE_MS, maximumAttempts: 9, followedBoot: 'first' };
    const store = await openStore(folder, options);
    onTestFinished(async () => await store.close());
    return store;
  }

  it.each([-40 * DAY_MS, 40 * DAY_MS])(
    'makes no retry and no lease wait for longer, for a step of %d ms',
    async (ms) => {
      const service = await start();
      const engine = await openEngine(service);
      await service.store.create(newCampaign(), everyoneIsKnown);
      const job = (await engine.claim('1:engine'))!;
      await jump(service, ms);
      expect(await engine.renew(job)).toBe(true);
      expect(await service.store.claim('2:engine')).toBeNull();
      expect(await engine.retryLater(job, { code: 'internal', message: 'test' }, 2 * SECOND_MS)).toBe(true);
      await service.pass(SECOND_MS);
      expect(await service.store.claim('2:engine')).toBeNull();
      await service.pass(SECOND_MS);
      // claimed by an engine that dies, and that no service knows any more
      expect(await engine.claim('1:engine')).not.toBeNull();
      expect(await service.store.claim('2:engine')).toBeNull();
      await service.pass(LEASE_MS);
      expect(await service.store.claim('2:engine')).not.toBeNull();
    },
  );
});

describe('the time of a service', () => {
  it('follows a clock that is corrected by less than an hour, and nothing waits for longer', async () => {
    const service = await startSettled();
    await failedDelivery(service, 30 * SECOND_MS);
    for (const ms of [-50 * 60 * SECOND_MS, 5, -700]) {
      await jump(service, ms);
      expect(Math.abs(service.clock.now() - machine.now())).toBeLessThan(1_000);
      expect(service.clock.status).toMatchObject({ state: 'settled', jumps: 0 });
    }
    await service.pass(32 * SECOND_MS);
    expect(await isDue(service)).toBe(true);
  });

  it('has passed where the machine slept, which is no jump', async () => {
    const service = await startSettled();
    const before = service.clock.before(DAY_MS)!;
    await failedDelivery(service, 30 * SECOND_MS);
    sleptMs += 9 * HOUR_MS;
    await jump(service, 9 * HOUR_MS);
    expect(service.clock.status).toMatchObject({ state: 'settled', aheadMs: 0, jumps: 0 });
    expect(service.clock.before(DAY_MS)).toBe(before + 9 * HOUR_MS);
    await service.pass(31 * SECOND_MS);
    expect(await isDue(service)).toBe(true);
  });

  it('goes on over a restart in the same run of the machine, and finds a jump in between', async () => {
    const service = await startSettled();
    await service.stop();
    machine.pass(5 * HOUR_MS);
    machine.jump(-2 * HOUR_MS);
    const next = await start();
    expect(next.clock.now()).toBe(machine.now() + 2 * HOUR_MS);
    expect(next.clock.status).toMatchObject({ state: 'jumped', aheadMs: -2 * HOUR_MS });
    expect(next.clock.before(DAY_MS)).toBeNull();
  });

  it('takes a machine that was off for what it says, but deletes nothing before its clock was stable', async () => {
    const service = await startSettled();
    await service.stop();
    machine.pass(3 * DAY_MS);
    const next = await start('second');
    expect(next.clock.now()).toBe(machine.now());
    expect(next.clock.status).toMatchObject({ state: 'new', jumps: 0, settlesInMs: SETTLE_MS });
    expect(next.clock.before(DAY_MS)).toBeNull();
    await next.pass(SETTLE_MS);
    expect(next.clock.before(DAY_MS)).toBe(machine.now() - DAY_MS);
  });

  it('never goes back to what a machine without a battery starts with', async () => {
    const service = await startSettled();
    await failedDelivery(service, 30 * SECOND_MS);
    const stopped = service.clock.now();
    await service.stop();
    const right = -stopped;
    machine.jump(right); // 1970
    const next = await start('second');
    expect(next.clock.now()).toBe(stopped);
    expect(next.clock.status).toMatchObject({ state: 'jumped' });
    await next.pass(30 * SECOND_MS);
    expect(await isDue(next)).toBe(true);
    machine.jump(-right);
    next.clock.look();
    expect(next.clock.status).toMatchObject({ state: 'settled', aheadMs: 0 });
  });

  it('believes neither 1970 nor 2099 at the first start of a machine, and ages nothing by the correction', async () => {
    const wrong = Date.UTC(2099, 0, 1) - machine.now();
    machine.jump(wrong);
    const service = await start();
    const input = { name: 'short', scope: 'read', labels: {}, expiresAt: Date.UTC(2050, 0, 1) } as const;
    const { apiKey } = await service.store.apiKeys.create(input, 10);
    await failedDelivery(service, 30 * SECOND_MS);
    await service.pass(10 * SECOND_MS);
    await jump(service, -wrong);
    expect(service.clock.now()).toBe(machine.now());
    await service.pass(20 * SECOND_MS);
    expect(await isDue(service)).toBe(true);
    expect((await service.store.apiKeys.find(apiKey.id))?.expiredAt).toBeNull();

    machine.jump(-machine.now());
    folder = temporaryFolder();
    const early = await start('second');
    const made = early.clock.now();
    await early.pass(10 * SECOND_MS);
    await jump(early, 1_700_000_000_000);
    await early.pass(SETTLE_MS);
    expect(early.clock.status).toMatchObject({ state: 'settled', aheadMs: 0 });
    expect(early.clock.now()).toBe(machine.now());
    expect(early.clock.before(DAY_MS)!).toBeLessThan(made);
    expect(early.clock.before(HOUR_MS)!).toBeGreaterThan(made);
  });
});
