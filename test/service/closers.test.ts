/** What was opened is closed in the reverse order. */
import { expect, it } from 'vitest';
import { withClosers } from '../../src/service/closers.ts';

it('closes every part, even if one of them cannot be closed, and throws that error', async () => {
  const closed: string[] = [];
  const { close } = await withClosers(async (closers) => {
    closers.push(() => void closed.push('first'));
    closers.push(() => Promise.reject(new Error('cannot be closed')));
    closers.push(() => void closed.push('last'));
    return {};
  });
  await expect(close()).rejects.toThrow('cannot be closed');
  expect(closed).toEqual(['last', 'first']);
});
