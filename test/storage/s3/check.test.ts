/** The check that an object storage can be used. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { requireUsableS3, type S3Options } from '../../../src/storage/s3/open-s3.ts';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { FaultyGate } from './faulty-gate.ts';
import { newS3, type TestStorage } from './storage.ts';

let server: TestS3;
let gate: FaultyGate;
let open: TestStorage;
beforeEach(async () => {
  server = await startOwnS3();
  gate = await FaultyGate.start(server.endpoint);
  open = newS3(server);
});
afterEach(async () => {
  await gate.close();
  await server.close();
});

function requireUsable(endpoint: string, options: Partial<S3Options> = {}, storage = open): Promise<void> {
  return requireUsableS3(storage.url(endpoint), { clock: systemClock, credentials: server.credentials, ...options });
}

describe('an object storage', () => {
  it('can be used if it knows conditions and ranges; the check leaves nothing', async () => {
    await requireUsable(gate.endpoint);
    expect(gate.count('DELETE')).toBe(1);
    expect(await open().files('x').list('')).toEqual([]);
  });

  it.each([
    ['If-None-Match', 'if-none-match'],
    ['If-Match', 'if-match'],
  ])('cannot be used if it ignores %s', async (name, header) => {
    gate.ignored = header;
    await expect(requireUsable(gate.endpoint)).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining(`ignores ${name}`) },
    });
    expect(gate.count('DELETE')).toBe(1);
  });

  it('cannot be used if it ignores ranges', async () => {
    gate.ignored = 'range';
    await expect(requireUsable(gate.endpoint)).rejects.toThrow('bytes instead of 3');
  });

  it('cannot be used without credentials, or without the bucket', async () => {
    const limits = { blobPatienceMs: 300 };
    const credentials = { accessKeyId: 'other', secretAccessKey: 'other' };
    await expect(requireUsable(server.endpoint, { credentials, limits })).rejects.toMatchObject({
      facts: { errno: 'EACCES' },
    });
    const missing = newS3({ ...server, bucket: 'no-such-bucket' });
    await expect(requireUsable(server.endpoint, { limits }, missing)).rejects.toThrow('NoSuchBucket');
  });

  it('is called in the region that was configured at the first call, which is not looked up before each call', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    const files = open({ endpoint: gate.endpoint }).files('x');
    for (const region of ['eu-first-1', 'eu-second-1']) {
      vi.stubEnv('AWS_REGION', region);
      await files.find('nothing');
    }
    expect(gate.asked.map(({ authorization }) => /\/(eu-\w+-1)\//.exec(authorization)?.[1])).toEqual([
      'eu-first-1',
      'eu-first-1',
    ]);
  });

  it('is not asked to remove what it could not be given', async () => {
    gate.faultOf = () => 503;
    await expect(requireUsable(gate.endpoint, { limits: { blobPatienceMs: 300 } })).rejects.toThrow();
    expect(gate.count('DELETE')).toBe(0);
  });
});
