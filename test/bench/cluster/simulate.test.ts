/** The simulation in cases whose times have closed forms, what it must conserve in all others, and its tables. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Costs, type CostsFile, type Prices, readInput } from './costs.ts';
import { type Scenario, simulate } from './simulate.ts';
import { predictRun, scaleTables } from './table.ts';

type Parts = { readonly [K in keyof Costs]?: Partial<Costs[K]> };

/** Costs that are zero but for some; segments of 1000 users, ranges of one segment, and polls that rarely come. */
function costs(parts: Parts): Costs {
  const storage = { partBytes: Number.MAX_VALUE, requestSeconds: 0, requestsAtOnce: 1 };
  return {
    origin: { date: '2026-11-29', machine: 'none', command: 'none', assumed: {} },
    population: { segmentUsers: 1000, segmentBytes: 0, segmentRequests: 0, ...parts.population },
    adapt: { processorSeconds: 0, segments: 0, ...parts.adapt },
    report: { processorSeconds: 0, ...parts.report },
    inputs: { bytes: 0, bytesPerUser: 0, requests: 0, ...parts.inputs },
    score: {
      processorSecondsPerUser: 0,
      processorSecondsPerUserMore: 0,
      firstThreadSecondsPerUser: 0,
      ...parts.score,
    },
    part: { bytesPerUser: 0, bytes: 0, requests: 0, processorSecondsPerUser: 0, ...parts.part },
    merge: { processorSecondsPerUser: 0, resultBytesPerUser: 0, resultRequests: 0, ...parts.merge },
    storage: {
      ...storage,
      bytesPerSecond: Number.MAX_VALUE,
      processorSecondsPerRequest: 0,
      processorSecondsPerByte: 0,
      ...parts.storage,
    },
    database: { callSeconds: 0, serverSeconds: 0, serverCores: 1, processorSecondsPerCall: 0, ...parts.database },
    engine: {
      rangeSegments: 1,
      rangesAtOnce: 1,
      expansionsPerThread: 1,
      leaseSeconds: 15,
      pollSeconds: 1,
      ...parts.engine,
    },
  };
}

const run = (of: Costs, changes: Partial<Scenario> = {}) =>
  simulate(of, { hosts: 1, coresPerHost: 1, campaigns: 1, users: 8000, cacheBytes: 0, ...changes });
const SCORE = { score: { processorSecondsPerUser: 0.01 } } as const;

describe('the time of a campaign', () => {
  it('is the sum of adapting, scoring, merging and the report on one core', () => {
    const { seconds, processorSeconds } = run(
      costs({
        ...SCORE,
        adapt: { processorSeconds: 7 },
        report: { processorSeconds: 5 },
        part: { processorSecondsPerUser: 0.0005 },
        merge: { processorSecondsPerUser: 0.001 },
      }),
    );
    expect(seconds).toBeCloseTo(7 + 5 + 80 + 4 + 8, 6);
    expect(processorSeconds).toMatchObject({ adapt: 12, score: 80, merge: expect.closeTo(12, 9), coordinate: 0 });
  });

  it.each([
    [1, 80],
    [3, 30],
    [8, 10],
    [20, 10],
  ])('is that of the most ranges that one of %i equal engines scores', (hosts, seconds) => {
    expect(run(costs(SCORE), { hosts }).seconds).toBeCloseTo(seconds, 6);
  });

  it('on one machine, is that of its cores, however many engines share them', () => {
    for (const hosts of [1, 2, 4])
      expect(
        run(costs({ ...SCORE, engine: { rangesAtOnce: 8 } }), { hosts, coresPerHost: 2, sharedCores: 2 }).seconds,
      ).toBeCloseTo(40, 6);
  });

  it('is that of the network if it is slower than the processor, and of the processor if not', () => {
    const bytes = { population: { segmentBytes: 600, segmentRequests: 1 }, engine: { rangeSegments: 4 } };
    const network = { storage: { bytesPerSecond: 100 } };
    const { seconds, bytesRead, reads } = run(costs({ ...bytes, ...network }));
    expect([seconds, bytesRead, reads]).toEqual([expect.closeTo((8 * 600) / 100, 6), 4800, 8]);
    // two ranges of 40 s, each of which begins with a segment of 6 s
    expect(run(costs({ ...SCORE, ...bytes, ...network })).seconds).toBeCloseTo(2 * (6 + 40), 6);
  });

  it('has two calls of the database for each range, and four for the campaign', () => {
    const { seconds } = run(
      costs({ database: { callSeconds: 0.01, serverSeconds: 0.002 }, engine: { pollSeconds: 99 } }),
    );
    // the engine's idle claims are under way at the same time
    expect(seconds).toBeGreaterThan((2 * 8 + 4) * 0.01);
    expect(seconds).toBeLessThan((2 * 8 + 4) * 0.014);
  });
});

describe('a queue of campaigns', () => {
  it('is served in its order', () => {
    const { ready } = run(costs(SCORE), { campaigns: 3, hosts: 2 });
    expect(ready).toEqual([40, 80, 120].map((seconds) => expect.closeTo(seconds, 6)));
  });

  it('shares passes over the same ranges', () => {
    const { seconds, bytesRead, usersScored } = run(
      costs({
        score: { processorSecondsPerUser: 0.01, processorSecondsPerUserMore: 0.002 },
        engine: { expansionsPerThread: 4 },
        population: { segmentBytes: 100, segmentRequests: 1 },
        adapt: { processorSeconds: 1 },
      }),
      { campaigns: 4 },
    );
    // all four are adapted on one core
    expect(seconds).toBeCloseTo(4 + 8 * (10 + 3 * 2), 6);
    expect([bytesRead, usersScored]).toEqual([800, 32_000]);
  });

  it('reads segments once if the cache holds them, and each time if it is too small by one', () => {
    const reading = costs({ population: { segmentBytes: 100, segmentRequests: 1 } });
    const read = (changes: Partial<Scenario>) => run(reading, { campaigns: 3, ...changes }).bytesRead;
    expect([800, 700].map((cacheBytes) => read({ cacheBytes }))).toEqual([800, 3 * 800]);
    expect(read({ cacheBytes: 800, isWarm: true })).toBe(0);
  });
});

describe('a host that dies', () => {
  it('loses its range when its lease has expired, and no finished range', () => {
    const { seconds, processorSeconds, usersScored } = run(costs({ ...SCORE, adapt: { processorSeconds: 3 } }), {
      hosts: 2,
      deathAt: 27,
    });
    // by 23 both have finished two ranges each; five of its eight are the survivor's, and one is scored twice
    expect([processorSeconds.adapt, usersScored]).toEqual([3, 8000]);
    expect(processorSeconds.score).toBeCloseTo(9 * 10, 6);
    expect(seconds).toBeCloseTo(3 + 60, 0);
  });

  it('is adapted for again if it dies while adapting', () => {
    const { processorSeconds, seconds } = run(costs({ ...SCORE, adapt: { processorSeconds: 30 } }), { deathAt: 20 });
    expect(processorSeconds.adapt).toBe(60);
    expect(seconds).toBeCloseTo(20 + 120 + 30 + 80, 6);
  });
});

it('a run reads each byte that it needs, and counts its requests', () => {
  const one = run(
    costs({
      population: { segmentBytes: 5000, segmentRequests: 2 },
      inputs: { bytes: 100, bytesPerUser: 0.125, requests: 3 },
      part: { bytesPerUser: 8, bytes: 50, requests: 2 },
      merge: { resultBytesPerUser: 8, resultRequests: 3 },
      storage: { partBytes: 4000, requestSeconds: 0.02, requestsAtOnce: 4, bytesPerSecond: 20_000 },
      engine: { rangeSegments: 3 },
    }),
    { users: 100_500, cacheBytes: 1e9 },
  );
  const [parts, users] = [34, 100_500];
  // it has its own parts
  expect(one.bytesRead).toBeCloseTo(100 + users / 8 + 101 * 5000, 6);
  expect(one.bytesWritten).toBeCloseTo(100 + users / 8 + users * 8 + parts * 50 + users * 8, 6);
  // segments of 5000 bytes are two requests; the parts of a part of 24,050 bytes are seven, of one of 12,050 four
  expect(one.reads).toBe(3 + parts + 101 * 2);
  expect(one.writes).toBe(Math.ceil((100 + users / 8) / 4000) + 33 * 7 + 4 + Math.ceil((users * 8) / 4000));
});

describe('the measured costs', () => {
  const file = readInput<CostsFile>(join(import.meta.dirname, 'costs.json'));

  it('predict the measured runs within 15 %', () => {
    const errors = file.runs.map((measured) => predictRun(file.costs, measured) / measured.seconds - 1);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.15);
  });

  it('make a table with four cases for each size, and name what was not measured', () => {
    const prices = readInput<Prices>(join(import.meta.dirname, 'prices.json'));
    const lines = scaleTables(file, prices, () => {}, { users: [1_000_000], hosts: [1, 4] });
    expect(lines.filter((line) => line.startsWith('| 1,000,000 |'))).toHaveLength(8);
    const assumed = [...Object.keys(file.costs.origin.assumed), ...Object.keys(file.elsewhere)];
    expect(lines.filter((line) => line.startsWith('- `'))).toHaveLength(assumed.length);
  });
});
