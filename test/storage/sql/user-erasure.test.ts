/** Erasure by several processes: requested by one and done by another, while others write. */
import { expect, it } from 'vitest';
import type { PendingAction } from '../../../src/domain/audit.ts';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { SEED_FOLDER } from '../../../src/storage/files/set-file.ts';
import { keepAnswerOf } from '../../../src/storage/sql/idempotency.ts';
import { addCampaign, describeDialects, idsOf, replace } from './nodes.ts';

const EVERYONE = { version: 'p', has: () => true };

describeDialects('the erasure of users', (newNodes) => {
  it('is requested by one process and done by another', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const id = await addCampaign(one);
    const owner: SetOwner = { kind: 'suppression', campaignId: id };
    await replace(one, owner, ['ann', 'bob', 'nul\0']);
    await one.feedback.addFeedback(id, [{ userId: 'bob', event: 'click', happenedAt: 1 }]);
    const action: PendingAction = { isRecorded: false, action: { ...NOBODY, action: 'erase' } };
    await one.erasure.requestErasure(['bob', 'nul\0', 'never'], [action]);
    expect([action.isRecorded, (await two.audit.list({ limit: 9 })).items.length]).toEqual([true, 1]);
    const requested = await two.erasure.requestedErasures(9);
    expect(requested).toEqual(['bob', 'never', 'nul\0']);
    expect(await two.erasure.eraseUsers(requested)).toEqual({ users: 3, sets: 1, feedback: 1, answers: 0 });
    expect(await one.erasure.requestedErasures(9)).toEqual([]);
    expect(await idsOf(one, owner)).toEqual(['ann']);
    expect(await one.feedback.feedbackOf(id)).toEqual({ conversion: 0, click: 0, dismissal: 0 });
  });

  it('finds the users in sets that other processes make meanwhile', async () => {
    const { open, blobs } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    const ids = await Promise.all([1, 2, 3, 4, 5, 6].map(() => addCampaign(nodes[0]!)));
    const owners = ids.map((campaignId): SetOwner => ({ kind: 'suppression', campaignId }));
    await replace(nodes[0]!, owners[0]!, ['ann', 'bob']);
    await nodes[0]!.erasure.requestErasure(['bob']);
    const uploads = owners.slice(1).map((owner, i) => replace(nodes[1 + (i % 2)]!, owner, ['bob', `other ${i}`]));
    const erasing = nodes[0]!.erasure.eraseUsers(['bob']);
    await Promise.all([...uploads, erasing]);
    // uploads that came after the erasure may name the user again; those before it must not
    await nodes[2]!.erasure.eraseUsers(['bob']);
    for (const owner of owners) expect(await idsOf(nodes[1]!, owner)).not.toContain('bob');
    for (const file of await blobs.list(SEED_FOLDER))
      expect(Buffer.from(await blobs.read(SEED_FOLDER, file)).toString()).not.toContain('bob');
  });

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

const NOBODY = { actor: 'local', address: null, resource: 'user', resourceId: null, status: 202, requestId: null };
