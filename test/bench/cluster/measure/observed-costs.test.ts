import { describe, expect, it } from 'vitest';
import type { AnsweredRequest } from '../../../../src/demo/servers/s3-server.ts';
import { SEGMENT_ROWS } from '../../../../src/population/read/segments.ts';
import { costsSchema } from '../costs.ts';
import { costsOf, type Observed } from './observed-costs.ts';

const put = (key: string, receivedBytes: number): AnsweredRequest => ({
  ...{ method: 'PUT', key: `bench/${key}`, receivedBytes, sentBytes: 0 },
});
const USERS = 3 * SEGMENT_ROWS;
const PART = SEGMENT_ROWS * 8;

/** An engine whose first thread takes 2.2 s, whose other threads take 8 s, and whose supervisor takes .3 s. */
const OBSERVED: Observed = {
  users: USERS,
  rangeSegments: 2,
  calls: {
    seconds: {
      ...{ database: 0.2, storage: 0.4, merge: 0.6, parts: 0.4, other: 0.2, garbage: 0.2, native: 0.2 },
      ...{ profiler: 0, idle: 0 },
    },
    ...{ supervisor: 0.3, postgres: 0.5, storage: 0.1, all: 11, requests: 20 },
  },
  // waiting for processors, the threads took twice as long
  threads: { adapting: 2, reporting: 4, scoring: 10 },
  requests: [
    ...[put('work/e/1/_i/customised.bin', 700), put('work/e/1/_i/unranked.bits', 24_576)],
    ...[put('work/e/1-0-1/_i/part.bin', 2 * PART + 9), put('work/e/1-1-1/_i/part.bin', PART + 9)],
    ...[put('work/e/1-0-1/_manifest.json', 0), put('work/e/1-1-1/_manifest.json', 0)],
    put('audiences/c/e.1/scores.f32', 4 * USERS),
  ],
  together: { seconds: 8 + 2 * 3 + 2 * 1.5, campaigns: 3 },
  cold: [{ method: 'GET', key: 'b/population/files/a', sentBytes: 300, receivedBytes: 0 }],
  database: { callSeconds: 0.002, serverSeconds: 0.001, processorSecondsPerCall: 0.001 },
  storage: {
    ...{ requestSeconds: 0.001, bytesPerSecond: 1e8, processorSecondsPerRequest: 0.002, processorSecondsPerByte: 1e-9 },
  },
};

describe('observed costs', () => {
  const costs = costsOf(OBSERVED);

  it('have the format of the simulation', () => {
    expect(costsSchema.parse(costs)).toEqual(costs);
  });

  it('divide the processor time of threads like their own seconds', () => {
    expect(costs.adapt.processorSeconds).toBeCloseTo(1);
    expect(costs.report.processorSeconds).toBeCloseTo(2);
    expect(costs.score.processorSecondsPerUser * USERS).toBeCloseTo(5);
    // two more campaigns take 8 + 2 x (1 + 2 + 1.5) s
    expect(costs.score.processorSecondsPerUserMore * USERS).toBeCloseTo(1.5);
  });

  it('divide the first thread by its profile, garbage in proportion', () => {
    expect(costs.part.processorSecondsPerUser * USERS).toBeCloseTo(0.4 * 1.1);
    expect(costs.merge.processorSecondsPerUser * USERS).toBeCloseTo(0.6 * 1.1);
    expect(costs.score.firstThreadSecondsPerUser * USERS).toBeCloseTo(0.2 * 1.1);
  });

  it('have what was read and written', () => {
    expect(costs.population).toEqual({ segmentUsers: SEGMENT_ROWS, segmentBytes: 100, segmentRequests: 1 });
    expect(costs.inputs).toEqual({ bytes: 700, bytesPerUser: 1 / 8, requests: 2 });
    expect(costs.part).toMatchObject({ bytesPerUser: expect.closeTo(8), bytes: expect.closeTo(9), requests: 1 });
    expect(costs.merge).toMatchObject({ resultBytesPerUser: 4, resultRequests: 1 });
  });
});
