/** Erasure by several processes: requested by one and done by another, while others write. */
import { expect, it } from 'vitest';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { keepAnswerOf } from '../../../src/storage/sql/idempotency.ts';
import { addCampaign, describeDialects, idsOf, replace } from './nodes.ts';

const EVERYONE = { version: 'p', has: () => true };

describeDialects('the erasure of users', (newNodes) => {
  it('that two processes do at once is done once and leaves every set whole', async () => {
    const { open } = await newNodes();
    const nodes = [await open(), await open()];
    const owners: SetOwner[] = [{ kind: 'common_suppression' }];
    for (let i = 0; i < 3; i++) owners.push({ kind: 'suppression', campaignId: await addCampaign(nodes[0]!) });
    for (const [i, owner] of owners.entries()) await replace(nodes[0]!, owner, ['ann', 'bob', 'cid', `o${i}`]);
    const erased = await Promise.all(nodes.map(({ erasure }) => erasure.eraseUsers(['bob'])));
    expect(erased.reduce((sum, { sets }) => sum + sets, 0)).toBe(4);
    for (const [i, owner] of owners.entries()) {
      expect(await idsOf(nodes[1]!, owner)).toEqual(['ann', 'cid', `o${i}`]);
      expect(await nodes[1]!.userSets.report(owner, EVERYONE)).toMatchObject({ users: 3, received: 3 });
    }
  });

  it('leaves out examples with any character in stored responses', async () => {
    const { open, clock } = await newNodes();
    const node = await open();
    const answer = JSON.stringify({ seeds: { unknown_examples: ['nul\0', 'half \ud800', 'ann'] } });
    const once = { key: 'k', requestSha256: 'r', answer: () => answer };
    await node.database.write((transaction) => keepAnswerOf(transaction, once, {}, '', clock.now()));
    expect(await node.erasure.eraseUsers(['nul\0'])).toMatchObject({ answers: 1 });
    const { answer: kept } = (await node.database.get<{ answer: string }>('SELECT answer FROM idempotency_keys'))!;
    expect(JSON.parse(kept)).toEqual({ seeds: { unknown_examples: ['half \ud800', 'ann'] } });
  });
});
