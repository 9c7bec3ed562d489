/** Idempotency keys over several nodes: the second of two equal requests finds the response of the first. */
import { expect, it } from 'vitest';
import { AnsweredBefore, KEY_LIFETIME_MS } from '../../../src/domain/idempotency.ts';
import { insertRow } from '../../../src/storage/sql/columns.ts';
import { findAnswer, keepAnswerOf } from '../../../src/storage/sql/idempotency.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { describeDialects, type Node, newNodes } from './nodes.ts';

const NOTHING = { users: 0, sets: 0, feedback: 0, answers: 0, erased_at: 0 };
const hook = { url: 'https://example.com/', events: [], description: '' };
const once = (requestSha256 = 'r') => ({ key: 'k', requestSha256, answer: (made: object) => JSON.stringify(made) });

describeWithPostgres('equal requests on several nodes', () => {
  it('make one webhook and one ping, whatever number arrives at once', async () => {
    const { open, clock } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    const create = ({ webhooks }: Node) => webhooks.create(hook, 9, clock.now(), once());
    const made = await Promise.allSettled([...nodes, ...nodes].map(create));
    const created = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(created).toHaveLength(1);
    for (const one of made) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(AnsweredBefore);
    expect((await nodes[1]!.webhooks.list({ limit: 9 })).items).toEqual([created[0]!.webhook]);
    for (const { database } of nodes)
      expect(await findAnswer(database, once(), clock.now())).toBe(JSON.stringify(created[0]));
  });

  it('make one of each also in transactions that see what others have just committed', async () => {
    const { open, clock } = await newNodes();
    const nodes = [await open(), await open()];
    const make = ({ database }: Node) =>
      database.write(async (t) => {
        const made = { id: await insertRow(t, 'erasures', NOTHING) };
        await keepAnswerOf(t, once(), made, '', clock.now());
        return made;
      }, 'readCommitted');
    const outcomes = await Promise.allSettled([...nodes, ...nodes, ...nodes].map(make));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await nodes[0]!.database.all('SELECT 1 FROM erasures')).toHaveLength(1);
  });
});

describeDialects('equal requests', (newNodes) => {
  it('are refused if they differ, and can use the key again after a day', async () => {
    const { open, clock } = await newNodes();
    const [one, two] = [await open(), await open()];
    const keep = (node: Node<Database>, sha256: string, made: object) =>
      node.database.write((t) => keepAnswerOf(t, once(sha256), made, 'c', clock.now()));
    await keep(one, 'r', { n: 1 });
    await expect(keep(two, 'other', { n: 2 })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
      facts: { campaign_id: 'c' },
    });
    clock.pass(KEY_LIFETIME_MS);
    await keep(two, 'other', { n: 2 });
    expect(await findAnswer(one.database, once('other'), clock.now())).toBe('{"n":2}');
  });
});
