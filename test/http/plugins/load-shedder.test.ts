import { beforeAll, describe, expect, it } from 'vitest';
import { LoadShedder } from '../../../src/http/plugins/connections/load-shedder.ts';
import type { RequestClass } from '../../../src/http/plugins/fastify-types.ts';
import { jsonLines } from '../../fixture/json-lines.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';

const limits = { overloadLagMs: 100, overloadLookupLagMs: 400 };

/** A load shedder whose loop is late by each of `lags` in turn, and the refusals that it reported. */
function lateBy(...lags: readonly number[]) {
  let now = 0;
  const arrivals = 8;
  const told: number[] = [];
  const shedder = new LoadShedder(limits, { elapsed: () => now }, (requests) => told.push(requests));
  const look = (...more: readonly number[]) => {
    for (const lag of more) {
      now += 50 + lag;
      for (let i = 0; i < arrivals; i++) shedder.arrive();
      shedder.note(lag);
    }
  };
  look(...lags);
  return { shedder, look, told };
}

const times = (count: number, lag: number) => Array<number>(count).fill(lag);

/** Number of admitted requests out of this many. */
function letIn(shedder: LoadShedder, name: RequestClass, of: number): number {
  return Array.from({ length: of }, () => shedder.refuses(name)).filter((isRefused) => !isRefused).length;
}

describe('the load shedder', () => {
  it('refuses nothing for one long pause, or for many short ones', () => {
    expect(lateBy(0, 5000, 200, 0, 5000).shedder.arrive()).toBe(false);
    expect(lateBy(...times(100, 99)).shedder.arrive()).toBe(false);
  });

  it('admits fewer and fewer requests except look-ups, reads and health checks while the loop stays late', () => {
    // twice the limit: the admitted share falls by the square root of two with each probe
    const { shedder, look } = lateBy(0, 200, 200, 200);
    expect(shedder.arrive()).toBe(true);
    for (const name of ['write', 'upload', 'computed', 'audience'] as const)
      expect(letIn(shedder, name, 1000)).toBeCloseTo(707, -1);
    look(200);
    expect(letIn(shedder, 'write', 1000)).toBeCloseTo(500, -1);
    look(...times(50, 200));
    expect(letIn(shedder, 'write', 640)).toBe(10);
    for (const name of ['lookup', 'read', 'health'] as const) expect(letIn(shedder, name, 64)).toBe(64);
  });

  it('halves what it lets in at most, however late the loop is', () => {
    expect(letIn(lateBy(0, ...times(3, 100_000)).shedder, 'write', 1000)).toBeCloseTo(500, -1);
  });

  it('settles where the wait is as long as its limit', () => {
    const { shedder, look } = lateBy(0, 200, 200, 200);
    // a loop of which the wait is due to what is let in: 40 ms to refuse all, 360 more to answer all
    for (let i = 0; i < 40; i++) look(40 + 0.36 * letIn(shedder, 'write', 1000));
    expect(letIn(shedder, 'write', 1000)).toBeCloseTo(60 / 0.36, -1);
  });

  it('refuses some look-ups and reads where it is later still, and health checks never', () => {
    const { shedder } = lateBy(0, ...times(20, 2000));
    for (const name of ['lookup', 'read'] as const) expect(letIn(shedder, name, 640)).toBe(10);
    expect(letIn(shedder, 'health', 64)).toBe(64);
  });

  it('admits a tenth more with each probe in time, and all after two seconds', () => {
    const { shedder, look } = lateBy(0, ...times(10, 500));
    look(...times(10, 10));
    expect(letIn(shedder, 'write', 1000)).toBeCloseTo((1000 / 64) * 1.1 ** 10, -1);
    look(...times(33, 10));
    expect(shedder.arrive()).toBe(true);
    look(10);
    expect(shedder.arrive()).toBe(false);
  });

  it('counts refusals by class, and tells of them together', () => {
    const { shedder, look, told } = lateBy(0, ...times(3, 400));
    expect(letIn(shedder, 'upload', 100)).toBe(50);
    expect(Object.fromEntries(shedder.refusedByClass())).toEqual({ upload: 50 });
    look(400);
    expect(letIn(shedder, 'write', 100)).toBe(25);
    look(400);
    expect(told).toEqual([50]);
    look(...times(40, 400));
    expect(told).toEqual([50, 75]);
  });
});

describe('an overloaded server', () => {
  /** Time passes a thousand times as fast, so any wait is long. */
  const clock = { now: () => 1, elapsed: () => 1000 * performance.now() };
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await openFixture(
      await importUsers(),
      { overloadLagMs: 1, overloadLookupLagMs: 1_000_000_000 },
      { clock },
    );
  });

  it('refuses what can wait with Retry-After, and answers look-ups', async () => {
    const body = { name: 'late', seeds: [], audience: { size: 1 } };
    const write = () => fixture.call('POST', '/v1/campaigns', body);
    const refusals = async () => {
      const all = await Promise.all(Array.from({ length: 20 }, write));
      return all.filter(({ status }) => status === 503);
    };
    await expect.poll(async () => (await refusals()).length, { interval: 10, timeout: 10_000 }).toBeGreaterThan(0);
    const [refused] = await refusals();
    if (refused === undefined) throw new Error('nothing is refused');
    expect([refused.json.code, refused.headers['retry-after']]).toEqual(['unavailable', '2']);
    const id = '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11';
    const lookup = await fixture.call('GET', `/v1/campaigns/${id}/audience/members/person-1`);
    expect([lookup.status, lookup.json.code]).toEqual([404, 'campaign_not_found']);
    expect((await fixture.call('GET', '/livez')).status).toBe(200);
  });

  it('counts refusals, and logs one line of all of them', async () => {
    expect((await fixture.call('GET', '/metrics')).text).toMatch(/^metaheac_shed_requests_total{class="write"} \d/m);
    await expect
      .poll(() => linesOf(fixture.log()), { timeout: 10_000 })
      .toContainEqual(
        expect.objectContaining({ level: 40, msg: 'requests were refused because more arrive than can be handled' }),
      );
    const refusals = linesOf(fixture.log()).filter(({ status }) => status === 503);
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.every(({ level }) => level === 20)).toBe(true);
  });
});

function linesOf(log: string): Record<string, unknown>[] {
  return jsonLines(log) as Record<string, unknown>[];
}
