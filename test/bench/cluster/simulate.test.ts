/** The simulation in cases whose times have closed forms, and what it must conserve in all others. */
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';
import { costs, scenario } from './zero-costs.ts';

const SCORE = { score: { processorSecondsPerUser: 0.01 } } as const;

describe('the time of a campaign', () => {
  it('is the sum of adapting, scoring and merging on one core', () => {
    const all = costs({
      ...SCORE,
      adapt: { processorSeconds: 7, threads: 4 },
      part: { processorSecondsPerUser: 0.0005 },
      merge: { processorSecondsPerUser: 0.001, processorSeconds: 2 },
    });
    const { seconds, processorSeconds } = simulate(all, scenario({}));
    expect(seconds).toBeCloseTo(7 + 80 + 4 + 8 + 2, 6);
    expect(processorSeconds.merge).toBeCloseTo(14, 9);
    expect(processorSeconds).toMatchObject({ adapt: 7, score: 80, coordinate: 0 });
  });

  it('waits for the report, which is computed while ranges are scored', () => {
    const parts = { ...SCORE, merge: { processorSeconds: 2 } };
    const timeOf = (seconds: number, cores: number) =>
      simulate(
        costs({ ...parts, report: { processorSeconds: seconds, threads: 1 } }),
        scenario({ coresPerHost: cores }),
      ).seconds;
    expect(timeOf(5, 1)).toBeCloseTo(80 + 5 + 2, 6);
    expect(timeOf(90, 2)).toBeCloseTo(90 + 2, 6);
  });

  it('on one machine, is that of its cores, however many engines share them', () => {
    const all = costs({ ...SCORE, engine: { rangesAtOnce: 8 } });
    for (const hosts of [1, 2, 4])
      expect(simulate(all, scenario({ hosts, coresPerHost: 2, sharedCores: 2 })).seconds).toBeCloseTo(40, 6);
    expect(simulate(all, scenario({ hosts: 1, coresPerHost: 1, sharedCores: 2 })).seconds).toBeCloseTo(80, 6);
  });

  it.each([
    [1, 80],
    [2, 40],
    [3, 30],
    [5, 20],
    [8, 10],
    [20, 10],
  ])('is that of the most ranges that one of %i equal engines scores', (hosts, seconds) => {
    // eight ranges of 10 s
    expect(simulate(costs(SCORE), scenario({ hosts })).seconds).toBeCloseTo(seconds, 6);
  });

  it('scores the second range while the part of the first is written', () => {
    const all = costs({ ...SCORE, part: { processorSecondsPerUser: 0.01 }, engine: { rangesAtOnce: 2 } });
    expect(simulate(all, scenario({ users: 2000, sharedCores: 2 })).seconds).toBeCloseTo(30, 6);
  });

  it('does the work of the first thread while others score', () => {
    const all = costs({ score: { processorSecondsPerUser: 0.01, firstThreadSecondsPerUser: 0.004 } });
    expect(simulate(all, scenario({ users: 1000, sharedCores: 2 })).seconds).toBeCloseTo(10, 6);
    expect(simulate(all, scenario({ users: 1000 })).seconds).toBeCloseTo(14, 6);
  });

  it('has the serial part that no number of engines shortens', () => {
    const serial = costs({ ...SCORE, adapt: { processorSeconds: 6, threads: 2 }, merge: { processorSeconds: 5 } });
    const { seconds } = simulate(serial, scenario({ hosts: 50, users: 50_000, coresPerHost: 2 }));
    expect(seconds).toBeCloseTo(6 / 2 + 10 + 5, 6);
  });

  it('uses as many cores as a range has segments', () => {
    const wide = costs({ ...SCORE, engine: { rangeSegments: 4 } });
    expect(simulate(wide, scenario({ coresPerHost: 4 })).seconds).toBeCloseTo(20, 6);
    expect(simulate(wide, scenario({ coresPerHost: 16 })).seconds).toBeCloseTo(20, 6);
    const more = costs({ ...SCORE, engine: { rangeSegments: 4, rangesAtOnce: 2 } });
    expect(simulate(more, scenario({ coresPerHost: 16 })).seconds).toBeCloseTo(10, 6);
  });

  it('is that of the network if it is slower than the processor, and of the processor if not', () => {
    const bytes = { population: { segmentBytes: 600, segmentRequests: 1 }, engine: { rangeSegments: 4 } };
    const slow = costs({ ...bytes, storage: { bytesPerSecond: 100 } });
    const { seconds, bytesRead, reads } = simulate(slow, scenario({}));
    expect([seconds, bytesRead, reads]).toEqual([expect.closeTo((8 * 600) / 100, 6), 4800, 8]);
    // two ranges of 40 s, each of which begins with a segment of 6 s
    const fast = costs({ ...SCORE, ...bytes, storage: { bytesPerSecond: 100 } });
    expect(simulate(fast, scenario({})).seconds).toBeCloseTo(2 * (6 + 40), 6);
  });

  it('has two calls of the database for each range, and four for the campaign', () => {
    const calls = costs({ database: { callSeconds: 0.01, serverSeconds: 0.002 }, engine: { pollSeconds: 1000 } });
    const { seconds } = simulate(calls, scenario({}));
    // the engine's idle claims are under way at the same time
    expect(seconds).toBeGreaterThan((2 * 8 + 4) * 0.01);
    expect(seconds).toBeLessThan((2 * 8 + 4) * 0.014);
  });

  it('waits for one answer of object storage after another, by as many as may be under way', () => {
    const waits = { population: { segmentBytes: 100, segmentRequests: 4 }, storage: { requestSeconds: 0.5 } };
    expect(simulate(costs(waits), scenario({})).seconds).toBeCloseTo(8 * 4 * 0.5, 6);
    const atOnce = costs({ ...waits, storage: { requestSeconds: 0.5, requestsAtOnce: 4 } });
    expect(simulate(atOnce, scenario({})).seconds).toBeCloseTo(8 * 0.5, 6);
  });
});

describe('a queue of campaigns', () => {
  it('is served in its order', () => {
    const { ready } = simulate(costs(SCORE), scenario({ campaigns: 3, hosts: 2 }));
    expect(ready).toEqual([40, 80, 120].map((seconds) => expect.closeTo(seconds, 6)));
  });

  it('shares passes over the same ranges', () => {
    const shared = costs({
      score: { processorSecondsPerUser: 0.01, processorSecondsPerUserMore: 0.002 },
      engine: { expansionsPerThread: 4 },
      population: { segmentBytes: 100, segmentRequests: 1 },
      adapt: { processorSeconds: 1 },
    });
    const { seconds, bytesRead, usersScored } = simulate(shared, scenario({ campaigns: 4 }));
    // all four are adapted on one core
    expect(seconds).toBeCloseTo(4 + 8 * (10 + 3 * 2), 6);
    expect([bytesRead, usersScored]).toEqual([800, 32_000]);
  });
});

describe('the cache', () => {
  const reading = costs({ population: { segmentBytes: 100, segmentRequests: 1 } });

  it('is read instead of object storage if it holds the population', () => {
    expect(simulate(reading, scenario({ campaigns: 3, cacheBytes: 800 })).bytesRead).toBe(800);
    expect(simulate(reading, scenario({ campaigns: 3, cacheBytes: 800, isWarm: true })).bytesRead).toBe(0);
  });

  it('is of no use to passes in the same order if it is too small by one segment', () => {
    expect(simulate(reading, scenario({ campaigns: 3, cacheBytes: 700 })).bytesRead).toBe(3 * 800);
  });

  it('is empty after a death', () => {
    const dying = { ...scenario({ campaigns: 2, cacheBytes: 800, isWarm: true }), deaths: [{ host: 0, at: 85 }] };
    const slow = costs({ ...SCORE, population: { segmentBytes: 100, segmentRequests: 1 } });
    expect(simulate(slow, dying).bytesRead).toBe(800);
  });
});

describe('a host that dies', () => {
  it('has its range taken again 10 to 15 s later', () => {
    for (const at of [5.5, 6, 7, 8, 9, 9.5]) {
      // both ranges begin at 0 and take 10 s; the survivor asks once a second
      const dying = scenario({ hosts: 2, users: 2000, deaths: [{ host: 1, at }] });
      const { seconds, processorSeconds, deaths } = simulate(costs(SCORE), dying);
      expect(seconds - 10 - at).toBeGreaterThan(10);
      expect(seconds - 10 - at).toBeLessThan(15 + 1);
      expect(deaths).toBe(1);
      expect(processorSeconds.score).toBeCloseTo(30, 6);
    }
  });

  it('loses no finished range, even if it owned the expansion, which is not adapted again', () => {
    const owning = costs({ ...SCORE, adapt: { processorSeconds: 3 } });
    const { seconds, processorSeconds, usersScored } = simulate(
      owning,
      scenario({ hosts: 2, deaths: [{ host: 0, at: 27 }], restartSeconds: 1e6 }),
    );
    // adapted by 3; by 27 it has finished two ranges and the other host too; four are left, for one host
    expect([processorSeconds.adapt, usersScored]).toEqual([3, 8000]);
    expect(processorSeconds.score).toBeCloseTo(9 * 10, 6);
    expect(seconds).toBeCloseTo(3 + 20 + 40, 6);
  });

  it('makes the run fail if its range has no attempts left', () => {
    const deaths = [5, 25, 45].map((at) => ({ host: 0, at }));
    const dying = scenario({ users: 1000, deaths, restartSeconds: 1 });
    expect(() => simulate(costs({ ...SCORE, engine: { maximumAttempts: 3 } }), dying)).toThrow('3 engines died');
  });

  it('begins again if it dies while adapting', () => {
    const owning = costs({ ...SCORE, adapt: { processorSeconds: 30 } });
    const { processorSeconds, seconds } = simulate(owning, scenario({ deaths: [{ host: 0, at: 20 }] }));
    expect(processorSeconds.adapt).toBe(60);
    expect(seconds).toBeCloseTo(20 + 60 + 30 + 80, 6);
  });
});

describe('every run', () => {
  const rich = costs({
    population: { segmentBytes: 5000, segmentRequests: 2 },
    adapt: { processorSeconds: 3, threads: 2, segments: 5 },
    inputs: { bytes: 100, bytesPerUser: 0.125, requests: 3 },
    score: { processorSecondsPerUser: 0.002, processorSecondsPerUserMore: 0.001, processorSecondsPerRange: 0.05 },
    part: { bytesPerUser: 8, bytes: 50, requests: 2, processorSecondsPerUser: 1e-5 },
    merge: {
      processorSecondsPerUser: 1e-5,
      processorSeconds: 0.2,
      threads: 1,
      resultBytesPerUser: 8,
      resultRequests: 3,
    },
    storage: { partBytes: 4000, requestSeconds: 0.02, requestsAtOnce: 4, bytesPerSecond: 20_000 },
    database: { callSeconds: 0.002, serverSeconds: 0.0005, serverCores: 4, processorSecondsPerCall: 0.0004 },
    engine: { rangeSegments: 3, rangesAtOnce: 2, expansionsPerThread: 1, maximumAttempts: 50 },
  });
  const hard = (seed: string, hoursBetweenDeaths: number | null = 0.02) =>
    scenario({
      ...{ hosts: 5, coresPerHost: 2, campaigns: 6, users: 100_500, cacheBytes: 200_000, seed },
      ...{ hoursBetweenDeaths, restartSeconds: 20 },
    });

  it('scores each user of each campaign exactly once, whoever dies', () => {
    const outcomes = Array.from({ length: 2 }, (_, i) => simulate(rich, hard(`seed ${i}`)));
    for (const outcome of outcomes) {
      expect(outcome.usersScored).toBe(6 * 100_500);
      expect(outcome.ready.length).toBe(6);
      expect(Math.max(...outcome.ready)).toBe(outcome.seconds);
    }
    expect(Math.min(...outcomes.map(({ deaths }) => deaths))).toBeGreaterThan(0);
  });

  it('computes no more than its cores can, and exactly what is needed if nobody dies', () => {
    const { processorSeconds, seconds } = simulate(rich, hard('calm', null));
    const sum = Object.values(processorSeconds).reduce((a, b) => a + b);
    expect(sum).toBeLessThan(5 * 2 * seconds);
    expect(processorSeconds.adapt).toBeCloseTo(6 * 3, 6);
    expect(processorSeconds.merge).toBeCloseTo(6 * (0.2 + 100_500 * 2e-5), 6);
    // alone each user takes .002 s, together two take .003 s
    const ranges = 6 * 34 * 0.05;
    expect(processorSeconds.score).toBeGreaterThanOrEqual(ranges + 3 * 100_500 * 0.003 - 1e-6);
    expect(processorSeconds.score).toBeLessThanOrEqual(ranges + 6 * 100_500 * 0.002 + 1e-6);
  });

  it('reads each byte that it needs, and counts its requests', () => {
    const once = { ...rich, engine: { ...rich.engine, expansionsPerThread: 1 } };
    const one = simulate(once, { ...hard('bytes', null), campaigns: 1, hosts: 1, cacheBytes: 1e9 });
    const [parts, users] = [34, 100_500];
    // it has its own parts
    expect(one.bytesRead).toBeCloseTo(100 + users / 8 + 101 * 5000, 6);
    expect(one.bytesWritten).toBeCloseTo(100 + users / 8 + users * 8 + parts * 50 + users * 8, 6);
    // segments of 5000 bytes are two requests; the parts of a part of 24,050 bytes are seven, of one of 12,050 four
    expect(one.reads).toBe(3 + parts + 101 * 2);
    expect(one.writes).toBe(Math.ceil((100 + users / 8) / 4000) + 33 * 7 + 4 + Math.ceil((users * 8) / 4000));
  });

  it('reads the parts of other hosts', () => {
    const part = { bytesPerUser: 8, requests: 1 };
    const { bytesRead, reads } = simulate(costs({ ...SCORE, part }), scenario({ hosts: 2, users: 2000 }));
    expect([bytesRead, reads]).toEqual([8000, 1]);
  });

  it('is the same for the same seed, and another for another', () => {
    const again = [simulate(rich, hard('a')), simulate(rich, hard('a'))];
    expect(again[0]).toEqual(again[1]);
    expect(simulate(rich, hard('b')).seconds).not.toBe(again[0]!.seconds);
  });
});
