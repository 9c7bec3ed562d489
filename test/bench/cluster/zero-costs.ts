/** Costs and scenarios for tests of the simulation, in which everything is zero that a test does not name. */
import type { Costs } from './costs.ts';
import type { Scenario } from './scenario.ts';

type Parts = { readonly [K in keyof Costs]?: Partial<Costs[K]> };

/** Costs that are zero but for some; segments of 1000 users, ranges of one segment, and polls that never come. */
export function costs(parts: Parts): Costs {
  return {
    origin: { date: '2026-11-29', machine: 'none', command: 'none', assumed: {}, ...parts.origin },
    population: { segmentUsers: 1000, segmentBytes: 0, segmentRequests: 0, ...parts.population },
    adapt: { processorSeconds: 0, threads: 1, segments: 0, ...parts.adapt },
    report: { processorSeconds: 0, threads: 1, ...parts.report },
    inputs: { bytes: 0, bytesPerUser: 0, requests: 0, ...parts.inputs },
    score: {
      processorSecondsPerUser: 0,
      processorSecondsPerUserMore: 0,
      processorSecondsPerRange: 0,
      firstThreadSecondsPerUser: 0,
      ...parts.score,
    },
    part: { bytesPerUser: 0, bytes: 0, requests: 0, processorSecondsPerUser: 0, ...parts.part },
    merge: {
      ...{ processorSecondsPerUser: 0, processorSeconds: 0, threads: 1, resultBytesPerUser: 0, resultRequests: 0 },
      ...parts.merge,
    },
    storage: {
      ...{ partBytes: Number.MAX_VALUE, requestSeconds: 0, requestsAtOnce: 1, bytesPerSecond: Number.MAX_VALUE },
      ...{ processorSecondsPerRequest: 0, processorSecondsPerByte: 0 },
      ...parts.storage,
    },
    database: { callSeconds: 0, serverSeconds: 0, serverCores: 1, processorSecondsPerCall: 0, ...parts.database },
    engine: {
      ...{ rangeSegments: 1, rangesAtOnce: 1, expansionsPerThread: 1 },
      ...{ leaseSeconds: 15, renewSeconds: 5, pollSeconds: 1, maximumAttempts: 5 },
      ...parts.engine,
    },
  };
}

export function scenario(parts: Partial<Scenario>): Scenario {
  return {
    ...{ hosts: 1, coresPerHost: 1, campaigns: 1, users: 8000, cacheBytes: 0, isWarm: false },
    ...{ hoursBetweenDeaths: null, restartSeconds: 60, seed: 'simulate.test' },
    ...parts,
  };
}
