/** Filters of user sets: a user of a set is never missed, and few others appear to be in it. */
import { describe, expect, it } from 'vitest';
import { hashUser, mayHave, SetFilterBuilder } from '../../../src/storage/files/set-filter.ts';
import { IDS_IN_UTF8_ORDER } from '../../fixture/odd-ids.ts';

/** Length of a block in base64. */
const BLOCK = 128;

async function filterOf(userIds: readonly string[]): Promise<(userId: string) => boolean> {
  const builder = new SetFilterBuilder();
  for (let at = 0; at < userIds.length; at += 4_096) builder.add(userIds.slice(at, at + 4_096));
  const filter = await builder.encode();
  return (userId) => {
    const hash = hashUser(userId);
    const at = BLOCK * (hash[0] % (filter.length / BLOCK));
    return mayHave(filter.slice(at, at + BLOCK), hash);
  };
}

describe('the filter of a user set', () => {
  it.each([1, 50, 3_000, 40_000])('has all of %d users, and seldom another', async (count) => {
    const users = [...IDS_IN_UTF8_ORDER, '', ...Array.from({ length: count }, (_, i) => `user ${i}`)];
    const mayHave = await filterOf(users);
    expect(users.filter((userId) => !mayHave(userId))).toEqual([]);
    const others = Array.from({ length: 100_000 }, (_, i) => `other ${i}`);
    expect(others.filter(mayHave).length).toBeLessThan(50);
  });

  it('is the same in every version, because filters are stored', async () => {
    const builder = new SetFilterBuilder();
    builder.add(['ann', 'bob', '😀']);
    expect(await builder.encode()).toMatchInlineSnapshot(
      `"AIABAAAIBAAAAAABAAAAAAAAAAAAAAEAAAAAAAAAAACAgAAAAAAAFAAAAAAIAAAAIACACAAAAIAAAAAEQAAAAABgAAAAAAAAAgAAAAAAAAIAAAAABAAAAAAAAQAAAAIA"`,
    );
  });

  it('of a set that is too large has everybody', async () => {
    const builder = new SetFilterBuilder();
    const users = Array.from({ length: 10_000 }, (_, i) => `user ${i}`);
    for (let i = 0; i <= 100; i++) builder.add(users);
    expect(mayHave(await builder.encode(), hashUser('other'))).toBe(true);
  });
});
