/** The costs of the simulation from what was observed on one engine. */

import { JOBS_PER_THREAD } from '../../../../src/domain/queue-time.ts';
import type { ThreadSeconds } from '../../../../src/domain/run-facts.ts';
import { SEGMENT_ROWS } from '../../../../src/population/read/segments.ts';
import { DEFAULT_LIMITS } from '../../../../src/service/limits.ts';
import { DEFAULT_BLOB_LIMITS } from '../../../../src/storage/s3/limits.ts';
import type { AnsweredRequest } from '../../../fixture/s3/s3-server.ts';
import { machineLine, thisMachine } from '../../machine.ts';
import type { Costs } from '../costs.ts';
import { fitLine } from './compare.ts';
import type { Coordination } from './engines.ts';

/** Intervals of src/engine, and the claims of ranges that an engine has at a time. */
const ENGINE = { rangesAtOnce: 2, pollSeconds: 0.5 } as const;
/** Seeds of a campaign, each in another segment of a large population. */
const SEEDS = 200;

/** Facts about one engine with two threads. */
export interface Observed {
  readonly users: number;
  readonly rangeSegments: number;
  /** Of campaigns that ran alone. */
  readonly calls: Coordination;
  readonly threads: ThreadSeconds;
  readonly requests: readonly AnsweredRequest[];
  /** Processor seconds of all threads but the first, for campaigns that were queued together. */
  readonly together: { readonly seconds: number; readonly campaigns: number };
  /** Requests of an engine with an empty cache. */
  readonly cold: readonly AnsweredRequest[];
  readonly database: Pick<Costs['database'], 'callSeconds' | 'serverSeconds' | 'processorSecondsPerCall'>;
  readonly storage: Pick<
    Costs['storage'],
    'requestSeconds' | 'bytesPerSecond' | 'processorSecondsPerRequest' | 'processorSecondsPerByte'
  >;
}

const ASSUMED = {
  'adapt.segments': '200 seeds in other segments each; candidates are read from these',
  'score.firstThreadSecondsPerUser': 'all work of the first thread besides calls, parts and the merge',
  'storage.requestsAtOnce': 'parts that are read ahead, and uploads at a time',
} as const;

export function costsOf(observed: Observed): Costs {
  const { users, rangeSegments, calls, threads, requests, together, cold, database, storage } = observed;
  const segments = Math.ceil(users / SEGMENT_ROWS);
  const { database: ofDatabase, storage: ofStorage, merge, parts, other, garbage, native } = calls.seconds;
  const withoutGarbage = ofDatabase + ofStorage + merge + parts + other + native;
  const withGarbage = withoutGarbage === 0 ? 0 : (withoutGarbage + garbage) / withoutGarbage;
  const ofThreads = calls.all - calls.postgres - calls.supervisor - withoutGarbage - garbage;
  // threads wait for a processor at times, so their seconds are shares and not processor seconds
  const perThreadSecond = ofThreads / (threads.adapting + threads.reporting + threads.scoring);
  const [adapting, reporting] = [perThreadSecond * threads.adapting, perThreadSecond * threads.reporting];
  const others = together.campaigns - 1;
  const more = Math.max(0, together.seconds - ofThreads - others * (adapting + reporting)) / others;
  const read = populationRead(cold);
  const [segmentBytes, segmentRequests] = [read.bytes / segments, Math.ceil(read.requests / segments)];
  const inputs = inputsWritten(requests);
  const result = resultWritten(requests);
  const usersOf = (range: number) =>
    Math.min(users - range * rangeSegments * SEGMENT_ROWS, rangeSegments * SEGMENT_ROWS);
  const part = partsOf(requests, usersOf);
  return {
    origin: {
      date: new Date().toISOString().slice(0, 10),
      machine: `${machineLine(thisMachine())}, demo's model, ${SEEDS} seeds`,
      command: 'npm run bench -- cluster calibrate',
      assumed: ASSUMED,
    },
    population: { segmentUsers: SEGMENT_ROWS, segmentBytes, segmentRequests },
    adapt: { processorSeconds: adapting, segments: SEEDS },
    report: { processorSeconds: reporting },
    inputs: { bytes: inputs.bytes, bytesPerUser: 1 / 8, requests: inputs.requests },
    score: {
      processorSecondsPerUser: (perThreadSecond * threads.scoring) / users,
      processorSecondsPerUserMore: more / users,
      firstThreadSecondsPerUser: (withGarbage * other) / users,
    },
    part: {
      ...{ bytesPerUser: part.bytesPerUser, bytes: part.bytes },
      // the simulation writes a part once and reads it once
      requests: Math.ceil(part.requests / 2),
      processorSecondsPerUser: (withGarbage * parts) / users,
    },
    merge: {
      processorSecondsPerUser: (withGarbage * merge) / users,
      resultBytesPerUser: result.bytes / users,
      resultRequests: result.requests,
    },
    storage: {
      ...{ partBytes: DEFAULT_BLOB_LIMITS.blobPartBytes, requestsAtOnce: DEFAULT_BLOB_LIMITS.blobUploads },
      ...storage,
    },
    database: { ...database, serverCores: 2 },
    engine: {
      ...ENGINE,
      rangeSegments,
      expansionsPerThread: JOBS_PER_THREAD,
      leaseSeconds: DEFAULT_LIMITS.leaseMs / 1000,
    },
  };
}

interface Traffic {
  readonly requests: number;
  readonly bytes: number;
}

/** The parts of the ranges of one expansion. */
interface PartTraffic {
  /** Requests about a part, of all who write, read and remove it. */
  readonly requests: number;
  readonly bytesPerUser: number;
  readonly bytes: number;
}

const INPUTS = /\/work\/[^/]+\/\d+\//;
const PART = /\/work\/[^/]+\/\d+-(\d+)-\d+\//;
const RESULT = /\/audiences\//;
const FILES = /\/population\/(files|user-sides)\//;

/** Segments and user sides that were read. */
function populationRead(requests: readonly AnsweredRequest[]): Traffic {
  return sum(requests.filter(({ method, key }) => (method === 'GET' || method === 'HEAD') && FILES.test(key)));
}

/** The inputs of ranges as they were written, without those that have one bit for each user. */
function inputsWritten(requests: readonly AnsweredRequest[]): Traffic {
  const written = requests.filter(({ method, key }) => method === 'PUT' && INPUTS.test(key));
  const { bytes } = sum(written.filter(({ key }) => !key.endsWith('.bits')));
  return { requests: written.length, bytes };
}

/** The ranking as it was written. */
function resultWritten(requests: readonly AnsweredRequest[]): Traffic {
  return sum(requests.filter(({ method, key }) => method !== 'GET' && RESULT.test(key)));
}

/** `usersOf` gives the users of a range by its number. */
function partsOf(requests: readonly AnsweredRequest[], usersOf: (range: number) => number): PartTraffic {
  const written = new Map<number, number>();
  let count = 0;
  for (const { method, key, receivedBytes } of requests) {
    const range = PART.exec(key)?.[1];
    if (range === undefined) continue;
    count += 1;
    if (method === 'PUT') written.set(Number(range), (written.get(Number(range)) ?? 0) + receivedBytes);
  }
  const { slope, intercept } = fitLine([...written].map(([range, bytes]) => [usersOf(range), bytes] as const));
  // the histogram grows slower than the number of users, so the line may meet the axis below zero
  return { requests: count / written.size, bytesPerUser: slope, bytes: Math.max(0, intercept) };
}

function sum(requests: readonly AnsweredRequest[]): Traffic {
  return {
    requests: requests.length,
    bytes: requests.reduce((bytes, { sentBytes, receivedBytes }) => bytes + sentBytes + receivedBytes, 0),
  };
}
