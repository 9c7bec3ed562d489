/** What the requests of a campaign are for, by the names of the blobs. */
import type { AnsweredRequest } from '../../../../src/demo/servers/s3-server.ts';
import { fitLine } from './compare.ts';

export interface Traffic {
  readonly requests: number;
  readonly bytes: number;
}

/** The parts of the ranges of one expansion. */
export interface PartTraffic {
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
export function populationRead(requests: readonly AnsweredRequest[]): Traffic {
  return sum(requests.filter(({ method, key }) => (method === 'GET' || method === 'HEAD') && FILES.test(key)));
}

/** The inputs of ranges as they were written, without those that have one bit for each user. */
export function inputsWritten(requests: readonly AnsweredRequest[]): Traffic {
  const written = requests.filter(({ method, key }) => method === 'PUT' && INPUTS.test(key));
  const { bytes } = sum(written.filter(({ key }) => !key.endsWith('.bits')));
  return { requests: written.length, bytes };
}

/** The ranking as it was written. */
export function resultWritten(requests: readonly AnsweredRequest[]): Traffic {
  return sum(requests.filter(({ method, key }) => method !== 'GET' && RESULT.test(key)));
}

/** `usersOf` gives the users of a range by its number. */
export function partsOf(requests: readonly AnsweredRequest[], usersOf: (range: number) => number): PartTraffic {
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
