/** Feedback of one campaign from several processes at once: exact counts, and sets without part of an upload. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { FeedbackEvent } from '../../../src/domain/feedback.ts';
import { SEED_FOLDER } from '../../../src/storage/files/set-file.ts';
import { insert } from '../../../src/storage/sql/columns.ts';
import { feedbackBlocks } from '../../../src/storage/sql/feedback.ts';
import { withSets } from '../../../src/storage/sql/set-files.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { IDS_IN_UTF8_ORDER } from '../../fixture/odd-ids.ts';
import { size } from '../../fixture/size.ts';
import { addCampaign, describeDialects, type Node } from './nodes.ts';

const events = (users: readonly string[], event: FeedbackEvent['event'], happenedAt = 1): FeedbackEvent[] =>
  users.map((userId) => ({ userId, event, happenedAt }));
const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix} ${i}`);

async function numberOf({ database }: Node<Database>, id: string): Promise<number> {
  return (await database.get<{ number: number }>('SELECT number FROM campaigns WHERE id = @id', { id }))!.number;
}

describeDialects('feedback from several processes at once', (newNodes) => {
  it('counts users by their last event, for any order of events', async () => {
    const { open } = await newNodes();
    const node = await open();
    const { feedback } = node;
    const event = fc.record({
      userId: fc.constantFrom('ann', 'bob', 'cid', '😀'),
      event: fc.constantFrom('conversion' as const, 'click' as const, 'dismissal' as const),
      happenedAt: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(event, { maxLength: 9 }), { minLength: 1, maxLength: 4 }), async (uploads) => {
        const id = await addCampaign(node);
        const last = new Map<string, FeedbackEvent>();
        for (const upload of uploads) {
          let taken = 0;
          for (const each of upload) {
            if (each.happenedAt < (last.get(each.userId)?.happenedAt ?? 0)) continue;
            last.set(each.userId, each);
            taken += 1;
          }
          const users = { conversion: 0, click: 0, dismissal: 0 };
          for (const { event } of last.values()) users[event] += 1;
          const outdated = upload.length - taken;
          expect(await feedback.addFeedback(id, upload)).toEqual({ received: upload.length, taken, outdated, users });
          expect(await feedback.feedbackOf(id)).toEqual(users);
        }
      }),
      { numRuns: size(10, 25) },
    );
  });

  it('has exact counts, whatever the order of the uploads', async () => {
    const { open } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    const id = await addCampaign(nodes[0]!);
    const users = names('u', 300);
    // each node moves the same users between kinds; the latest time wins in the end
    const kinds = ['click', 'conversion', 'dismissal'] as const;
    const uploads = nodes.flatMap(({ feedback }, n) =>
      kinds.map((kind, k) => feedback.addFeedback(id, events(users, kind, 1 + ((k + n) % 3)))),
    );
    for (const { received, taken, outdated } of await Promise.all(uploads)) {
      expect(received).toBe(300);
      expect(taken + outdated).toBe(300);
    }
    const rows = await nodes[0]!.database.all<{ event: string; count: number }>(
      'SELECT event, count(*) AS count FROM feedback GROUP BY event',
    );
    const counts: Record<string, number> = { conversion: 0, click: 0, dismissal: 0 };
    for (const { event, count } of rows) counts[event] = count;
    expect(await nodes[1]!.feedback.feedbackOf(id)).toEqual(counts);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  });

  it('counts an upload from different campaigns at once without conflicts that reach the caller', async () => {
    const { open } = await newNodes();
    const nodes = [await open(), await open()];
    const ids = await Promise.all([1, 2, 3, 4].map(() => addCampaign(nodes[0]!)));
    const uploads = ids.flatMap((id) =>
      nodes.map(({ feedback }, n) => feedback.addFeedback(id, events(names(`n${n}`, 2_600), 'click'))),
    );
    await Promise.all(uploads);
    for (const id of ids)
      expect(await nodes[0]!.feedback.feedbackOf(id)).toEqual({ conversion: 0, click: 5_200, dismissal: 0 });
  });

  it('is read in one state, whatever is uploaded meanwhile', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const id = await addCampaign(one);
    const number = await numberOf(one, id);
    for (const prefix of ['a', 'b']) await one.feedback.addFeedback(id, events(names(prefix, 8_000), 'click'));
    const read = await one.database.read(async (state) => {
      const users: string[] = [];
      for await (const rows of feedbackBlocks(state, number)) {
        users.push(...rows.map(({ userId }) => userId));
        await two.feedback.addFeedback(id, events(names('c', 10), 'click'));
      }
      return users;
    });
    expect([read.length, read.filter((userId) => userId.startsWith('c'))]).toEqual([16_000, []]);
  });

  it('gives an expansion all of an upload or nothing of it', async () => {
    const { open, blobs } = await newNodes();
    const [one, two] = [await open(), await open()];
    const id = await addCampaign(one);
    const number = await numberOf(one, id);
    const sizes: number[] = [];
    const upload = async () => {
      for (let i = 0; i < 4; i++) await two.feedback.addFeedback(id, events(names(`u${i}`, 5_000), 'click'));
    };
    const snapshots = async () => {
      for (let i = 0; i < 6; i++)
        await one.feedback.snapshot(number, async ({ positives }) => void sizes.push(positives?.users ?? 0));
    };
    await Promise.all([upload(), snapshots()]);
    for (const size of sizes) expect(size % 5_000, `${sizes}`).toBe(0);
    expect(await blobs.list(SEED_FOLDER), 'files that no expansion uses are removed').toEqual([]);
  });

  it('that users send with U+0000 and other rare characters is read back as it was sent', async () => {
    const { open, blobs } = await newNodes();
    const node = await open();
    const id = await addCampaign(node);
    const odd = ['nul\0', 'quote"\n', '\uffff', '\u{1F600}', 'é'];
    for (let i = 0; i < 2; i++) await node.feedback.addFeedback(id, events(odd, 'click'));
    expect([...(await node.feedback.respondersOf(id, 9))].sort()).toEqual([...odd].sort());
    const ids = await node.feedback.snapshot(await numberOf(node, id), ({ positives }) =>
      withSets(blobs, [positives!.name], async ([set]) => [...set!].flat()),
    );
    expect(ids).toEqual([...odd].sort());
    expect(await node.feedback.erase(odd)).toBe(5);
    expect(await node.feedback.feedbackOf(id)).toEqual({ conversion: 0, click: 0, dismissal: 0 });
  });

  it('becomes sets that are sorted like all sets', async () => {
    const { open, blobs } = await newNodes();
    const node = await open();
    const id = await addCampaign(node);
    const clicked = [...names('user', 20_000), ...IDS_IN_UTF8_ORDER];
    const dismissed = names('other', 5_000);
    for (let at = 0; at < clicked.length; at += 10_000)
      await node.feedback.addFeedback(id, events(clicked.slice(at, at + 10_000), 'click'));
    await node.feedback.addFeedback(id, events(dismissed, 'dismissal'));
    const sets = await node.feedback.snapshot(await numberOf(node, id), ({ positives, dismissed }) =>
      withSets(blobs, [positives!.name, dismissed!.name], async (sets) => sets.map((ids) => [...ids].flat())),
    );
    expect(sets).toEqual([clicked.sort(), dismissed.sort()]);
  });

  it('is made into sets again if users are erased after it was read', async () => {
    const { open, blobs } = await newNodes();
    const [one, two] = [await open(), await open()];
    const id = await addCampaign(one);
    await one.feedback.addFeedback(id, events(['ann', 'bob'], 'click'));
    let calls = 0;
    const set = await one.feedback.snapshot(await numberOf(one, id), async (sets) => {
      // another node erases a user while this node is about to record the sets
      if (++calls === 1) await two.erasure.eraseUsers(['bob']);
      return one.database.write(async (transaction) => {
        await sets.record(transaction, 1);
        await transaction.run('UPDATE installation SET suppression_set = @set', { set: sets.positives!.name });
        return sets.positives!.name;
      });
    });
    expect(calls).toBe(2);
    expect(await withSets(blobs, [set], async ([ids]) => [...ids!].flat())).toEqual(['ann']);
    expect(await blobs.list(SEED_FOLDER)).toHaveLength(1);
  });

  it('of a deleted campaign is refused and removed', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    const id = await addCampaign(one);
    await one.feedback.addFeedback(id, events(names('u', 10), 'click'));
    await insert(one.database, 'feedback', { campaign: 99, user_id: 'u', event: 'click', happened_at: 1 });
    const deletion = two.database.run('DELETE FROM campaigns WHERE id = @id', { id });
    const late = one.feedback.addFeedback(id, events(names('late', 2_000), 'click'));
    await Promise.allSettled([deletion, late]);
    await expect(one.feedback.addFeedback(id, events(['x'], 'click'))).rejects.toMatchObject({
      code: 'campaign_not_found',
    });
    await Promise.all([one.feedback.removeUnusedFeedback(), two.feedback.removeUnusedFeedback()]);
    expect(await one.database.all('SELECT 1 FROM feedback')).toEqual([]);
  });
});
