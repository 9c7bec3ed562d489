/**
 * Users of suppression lists who expire: removed once, whichever processes look, and never users who were added again.
 */
import { expect, it } from 'vitest';
import type { Change, ChangeOptions, SetOwner } from '../../../src/domain/user-sets.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { addCampaign, describeDialects, idsOf, type Node as NodeOf } from './nodes.ts';

type Node = NodeOf<Database>;

const COMMON: SetOwner = { kind: 'common_suppression' };
const EVERYONE = { version: 'p', has: () => true };
/** Postgres cannot store this id as it is. */
const ODD = 'nul\0';

async function change(node: Node, owner: SetOwner, how: Change, sent: Record<string, number | null>, options = {}) {
  const collected = node.userSets.collect();
  try {
    for (const id of Object.keys(sent)) collected.add(id);
    const expiries = new Map(Object.entries(sent).flatMap(([id, at]) => (at === null ? [] : [[id, at]])));
    const all: ChangeOptions = { expiries, ...options };
    return await node.userSets.change(owner, how, collected, EVERYONE, 1_000, all);
  } finally {
    collected.close();
  }
}

const countRows = async ({ database }: Node) =>
  (await database.get<{ readonly n: number }>('SELECT count(*) AS n FROM list_expiries'))!.n;

describeDialects('users of suppression lists who expire', (newNodes) => {
  it('leave their lists with one change per list, also if two processes look at once', async () => {
    const { open } = await newNodes();
    const nodes = [await open(), await open()];
    const [one, two] = nodes as [Node, Node];
    const campaignId = await addCampaign(one);
    const owner: SetOwner = { kind: 'suppression', campaignId };
    await one.database.run(
      `INSERT INTO webhooks (id, url, events, description, enabled, created_at, updated_at)
       VALUES ('w', 'https://a', '["suppression.expired"]', '', true, 0, 0)`,
    );
    await change(one, COMMON, 'replace', { ann: 5, bob: 6, cid: 100, dan: null, [ODD]: 5 });
    await change(one, owner, 'add', { ann: 7, eve: null });
    const removed = await Promise.all(nodes.map(({ userSets }) => userSets.removeExpired(9, EVERYONE)));
    expect(removed.reduce((sum, users) => sum + users)).toBe(4);
    expect([await idsOf(two, COMMON), await idsOf(two, owner)]).toEqual([['cid', 'dan'], ['eve']]);
    expect(await two.userSets.report(COMMON, EVERYONE)).toMatchObject({
      users: 2,
      expiring: { users: 1, nextAt: 100 },
    });
    const { items } = await two.audit.list({ limit: 9 });
    expect(items.map(({ actor, action, resourceId, facts }) => [actor, action, resourceId, facts])).toEqual(
      expect.arrayContaining([
        ['service', 'expireListEntries', null, { users: 3 }],
        ['service', 'expireListEntries', campaignId, { users: 1 }],
      ]),
    );
    const events = await two.database.all<{ readonly body: string }>('SELECT body FROM webhook_events');
    const told = events.map(({ body }) => JSON.parse(body).data);
    expect([items.length, told.length]).toEqual([2, 2]);
    expect(told).toContainEqual({ campaign_id: null, external_id: null, name: null, users: 3 });
    expect(await one.userSets.removeExpired(9, EVERYONE)).toBe(0);
  });

  it('have the time that was sent last, or none', async () => {
    const node = await (await newNodes()).open();
    await change(node, COMMON, 'replace', { ann: 5, bob: 5, cid: 5, dan: 5 });
    await change(node, COMMON, 'add', { ann: null, bob: 50 });
    await change(node, COMMON, 'remove', { cid: null });
    await change(node, COMMON, 'add', { cid: null });
    expect(await node.userSets.removeExpired(10, EVERYONE)).toBe(1);
    expect(await idsOf(node, COMMON)).toEqual(['ann', 'bob', 'cid']);
    await change(node, COMMON, 'replace', { bob: null, eve: 60 });
    expect(await node.userSets.removeExpired(100, EVERYONE)).toBe(1);
    expect(await idsOf(node, COMMON)).toEqual(['bob']);
  });

  it('leave no row when their list is deleted, or they are erased', async () => {
    const node = await (await newNodes()).open();
    await change(node, COMMON, 'replace', { ann: 5, bob: 5 });
    await node.erasure.eraseUsers(['ann']);
    expect([await idsOf(node, COMMON), await countRows(node)]).toEqual([['bob'], 1]);
    await node.userSets.clear(COMMON);
    expect(await countRows(node)).toBe(0);
  });

  it('are limited in number, also in a dry run', async () => {
    const node = await (await newNodes()).open();
    await change(node, COMMON, 'replace', { ann: 5, bob: 5 });
    const most = { maximumExpiries: 2 };
    for (const isDryRun of [true, false]) {
      const refused = expect.objectContaining({ code: 'too_many_seeds' });
      await expect(change(node, COMMON, 'add', { cid: 5 }, { ...most, isDryRun })).rejects.toThrow(refused);
      const preview = await change(node, COMMON, 'add', { ann: 4 }, { ...most, isDryRun: true });
      expect(preview.expiring).toEqual({ users: 2, nextAt: 4 });
    }
    expect(await node.userSets.report(COMMON, EVERYONE)).toMatchObject({ users: 2, expiring: { users: 2, nextAt: 5 } });
  });
});
