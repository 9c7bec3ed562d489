/** Doing the same to many items. */
import { expect, it } from 'vitest';
import { runAll } from '../../console/src/pages/audiences/run-all.ts';

it('does a few at a time, and reports each failure without stopping', async () => {
  let [open, most] = [0, 0];
  const work = async (item: number) => {
    most = Math.max(most, ++open);
    await new Promise(setImmediate);
    open--;
    if (item === 3) throw new Error('The disk is full.');
  };
  const ended: number[] = [];
  const { done, failures } = await runAll([...Array(10).keys()], work, (count) => ended.push(count));
  expect([most, ended.at(-1), done.length]).toEqual([4, 10, 9]);
  expect(failures).toEqual([{ item: 3, error: new Error('The disk is full.') }]);
});
