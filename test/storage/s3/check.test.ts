/** The check that an object storage can be used. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { requireUsableS3, type S3Options } from '../../../src/storage/s3/open-s3.ts';
import { gatedS3 } from './gated.ts';
import { newS3 } from './storage.ts';

const gated = gatedS3();

function requireUsable(
  endpoint: string,
  options: Partial<S3Options> = {},
  { server, open: storage } = gated(),
): Promise<void> {
  return requireUsableS3(storage.url(endpoint), { clock: systemClock, credentials: server.credentials, ...options });
}

describe('an object storage', () => {
  it('can be used if it knows conditions and ranges; the check leaves nothing', async () => {
    const { gate, open } = gated();
    await requireUsable(gate.endpoint);
    expect(gate.count('DELETE')).toBe(1);
    expect(await open().files('x').list('')).toEqual([]);
  });

  it.each([
    ['If-None-Match', 'if-none-match'],
    ['If-Match', 'if-match'],
  ])('cannot be used if it ignores %s', async (name, header) => {
    const { gate } = gated();
    gate.ignored = header;
    await expect(requireUsable(gate.endpoint)).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining(`ignores ${name}`) },
    });
    expect(gate.count('DELETE')).toBe(1);
  });

  it('cannot be used if it ignores ranges', async () => {
    const { gate } = gated();
    gate.ignored = 'range';
    await expect(requireUsable(gate.endpoint)).rejects.toThrow('bytes instead of 3');
  });

  it('cannot be used without credentials, or without the bucket', async () => {
    const { server } = gated();
    const limits = { blobPatienceMs: 300 };
    const credentials = { accessKeyId: 'other', secretAccessKey: 'other' };
    await expect(requireUsable(server.endpoint, { credentials, limits })).rejects.toMatchObject({
      facts: { errno: 'EACCES' },
    });
    const missing = { ...gated(), open: newS3({ ...server, bucket: 'no-such-bucket' }) };
    await expect(requireUsable(server.endpoint, { limits }, missing)).rejects.toThrow('NoSuchBucket');
  });

  it('is called in the region that was configured at the first call, which is not looked up before each call', async () => {
    const { gate, open } = gated();
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
    const { gate } = gated();
    gate.faultOf = () => 503;
    await expect(requireUsable(gate.endpoint, { limits: { blobPatienceMs: 300 } })).rejects.toThrow();
    expect(gate.count('DELETE')).toBe(0);
  });
});
