/** The audit log: append-only in the database itself, and read in order while several nodes write. */
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { PendingAction } from '../../../src/domain/audit.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { describeDialects, type Node, newNodes } from './nodes.ts';

const pendingAction = (action: string): PendingAction => ({
  action: {
    actor: 'local',
    address: null,
    action,
    resource: 'campaign',
    resourceId: null,
    status: 200,
    requestId: null,
  },
  isRecorded: false,
});

async function actionsOf({ audit }: Node<Database>): Promise<string[]> {
  return (await audit.list({ limit: 1000 })).items.map(({ action }) => action);
}

/** Statements that change or hide entries. */
const CHANGES = {
  both: [
    "UPDATE audit_log SET actor = 'b'",
    'DELETE FROM audit_log',
    'DELETE FROM audit_log WHERE number = 1',
    `INSERT INTO audit_log (number, at, actor, action) VALUES (1, 1, 'b', 'z')
     ON CONFLICT (number) DO UPDATE SET actor = 'b'`,
  ],
  sqlite: ["REPLACE INTO audit_log (number, at, actor, action) VALUES (1, 1, 'b', 'z')"],
  postgres: ['TRUNCATE audit_log'],
};

describeDialects('audit_log', (newNodes) => {
  it('refuses changes, and deletions of what retention does not give free', async () => {
    const { open, clock } = await newNodes();
    const { audit, database } = await open();
    for (const name of ['a', 'b']) {
      await audit.record(pendingAction(name));
      clock.pass(1000);
    }
    for (const sql of [...CHANGES.both, ...CHANGES[database.dialect.name]])
      await expect(database.run(sql), sql).rejects.toThrow('append-only');
    await audit.prune(clock.now() - 1000);
    await expect(database.run('DELETE FROM audit_log')).rejects.toThrow('append-only');
    expect((await audit.list({ limit: 9 })).items.map(({ action }) => action)).toEqual(['b']);
  });

  it('counts an entry as no earlier than the entry before it if the clock is set back', async () => {
    const { open, clock } = await newNodes();
    const [one, two] = [await open(), await open()];
    const start = clock.now();
    await one.audit.record(pendingAction('a'));
    clock.jump(-10_000);
    await two.audit.record(pendingAction('b'));
    const { items } = await one.audit.list({ limit: 9, since: start });
    expect(items.map(({ action, at }) => [action, at])).toEqual([
      ['a', start],
      ['b', start - 10_000],
    ]);
  });
});

describeWithPostgres('audit_log of several nodes', () => {
  it('never shows an entry before an entry with a lower number', async () => {
    const { open } = await newNodes();
    const [one, two, reader] = [await open(), await open(), await open()];
    const gate = Promise.withResolvers<null>();
    const entered = Promise.withResolvers<void>();
    // the entry has its number, and its transaction does not commit yet
    one.database.beforeCommit(async () => {
      entered.resolve();
      return gate.promise;
    });
    const first = one.audit.record(pendingAction('a'));
    await entered.promise;
    const second = two.audit.record(pendingAction('b'));
    await setTimeout(300);
    const seen = await actionsOf(reader);
    gate.resolve(null);
    await Promise.all([first, second]);
    expect(seen).toEqual([]);
    expect(await actionsOf(reader)).toEqual(['a', 'b']);
  });

  it('has an action in the transaction that commits, however often it is repeated', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    // both increase one row, so serializable transactions are repeated
    const increase = ({ audit, database }: Node, name: string) =>
      audit.during(pendingAction(name), () =>
        database.write(async (t) => {
          const { n } = (await t.get<{ n: number }>('SELECT written_at AS n FROM probe'))!;
          await t.run('UPDATE probe SET written_at = @next', { next: n + 1 });
        }),
      );
    await Promise.all(Array.from({ length: 20 }, (_, i) => increase(i % 2 === 0 ? one : two, `${i}`)));
    expect((await one.database.get<{ n: number }>('SELECT written_at AS n FROM probe'))!.n).toBe(20);
    expect((await actionsOf(one)).sort()).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`).sort());
  });
});
