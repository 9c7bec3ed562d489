/** Actions on many audiences. */
import { expect, it } from 'vitest';
import type { Api } from '../../console/src/api/client.ts';
import type { Campaign } from '../../console/src/api/types.ts';
import { DELETE, runAction } from '../../console/src/pages/audiences/bulk-actions.ts';

it('runs a few at a time, and reports each failure without stopping', async () => {
  const campaigns = Array.from({ length: 10 }, (_, i) => ({ id: String(i), name: `Audience ${i}` }) as Campaign);
  let [open, most] = [0, 0];
  const request = async (_: Api, { id }: Campaign) => {
    most = Math.max(most, ++open);
    await new Promise(setImmediate);
    open--;
    if (id === '3') throw new Error('The disk is full.');
  };
  const ended: number[] = [];
  const result = await runAction({} as Api, { ...DELETE, request }, campaigns, (count) => ended.push(count));
  expect(most).toBe(4);
  expect(ended.at(-1)).toBe(10);
  expect(result.done.length).toBe(9);
  expect(result.failures).toEqual([{ campaign: campaigns[3], message: 'The disk is full.' }]);
});
