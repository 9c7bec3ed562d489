/** Slots that callers wait for. */
import { describe, expect, it } from 'vitest';
import { createQueue } from '../../../src/http/plugins/connections/slots.ts';

describe('createQueue', () => {
  it('gives a slot to the one who has waited longest, once for each release', async () => {
    const take = createQueue({ most: 1, mostWaiting: 3, waitMs: 60_000, what: 'pieces' });
    const seen: string[] = [];
    const first = await take();
    const others = ['b', 'c'].map(async (name) => {
      const release = await take();
      seen.push(name);
      return release;
    });
    first();
    first();
    const second = await others[0]!;
    await new Promise(setImmediate);
    expect(seen).toEqual(['b']);
    second();
    (await others[1]!)();
    expect(seen).toEqual(['b', 'c']);
  });

  it('refuses who would be one too many at once, and who has waited too long', async () => {
    const take = createQueue({ most: 1, mostWaiting: 1, waitMs: 20, what: 'pieces' });
    const release = await take();
    const waits = take();
    const refusal = { code: 'unavailable', message: '1 pieces, which is the maximum', facts: { retry_after: 5 } };
    await expect(take()).rejects.toMatchObject(refusal);
    await expect(waits).rejects.toMatchObject(refusal);
    // the place of the caller that left is free again
    const next = take();
    release();
    (await next)();
  });
});
