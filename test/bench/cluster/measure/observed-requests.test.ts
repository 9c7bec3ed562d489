import { describe, expect, it } from 'vitest';
import type { AnsweredRequest } from '../../../../src/demo/servers/s3-server.ts';
import { inputsWritten, partsOf, populationRead, resultWritten } from './observed-requests.ts';

const request = (method: string, key: string, bytes: number): AnsweredRequest => ({
  ...{ method, key: `bench/${key}` },
  ...(method === 'GET' ? { sentBytes: bytes, receivedBytes: 0 } : { sentBytes: 0, receivedBytes: bytes }),
});

const REQUESTS = [
  request('GET', 'shared/population/files/abc', 1000),
  request('GET', 'shared/population/user-sides/m/k.users', 500),
  request('HEAD', 'shared/population/files/abc', 0),
  request('GET', 'shared/population/index.json', 70),
  request('PUT', 'work/e/1/_id/customised.bin', 30),
  request('PUT', 'work/e/1/_id/unranked.bits', 9000),
  request('PUT', 'work/e/1/_manifest.json', 10),
  request('PUT', 'work/e/1-0-1/_id/part.bin', 8_050),
  request('PUT', 'work/e/1-1-1/_id/part.bin', 4_050),
  request('GET', 'work/e/1-0-1/_id/part.bin', 8_050),
  request('DELETE', 'work/e/1-1-1/_manifest.json', 0),
  request('PUT', 'audiences/c/e.1/scores.f32', 4000),
  request('PUT', 'audiences/c/e.1/ranking.json', 100),
];

describe('the requests of a campaign', () => {
  it('are told apart by the names of blobs', () => {
    expect(populationRead(REQUESTS)).toEqual({ requests: 3, bytes: 1500 });
    expect(inputsWritten(REQUESTS)).toEqual({ requests: 3, bytes: 40 });
    expect(resultWritten(REQUESTS)).toEqual({ requests: 2, bytes: 4100 });
  });

  it('have parts, whose bytes are a line over the users of their ranges', () => {
    const { requests, bytesPerUser, bytes } = partsOf(REQUESTS, (range) => [1000, 500][range]!);
    expect(requests).toBe(2);
    expect(bytesPerUser).toBeCloseTo(8);
    expect(bytes).toBeCloseTo(50);
  });
});
