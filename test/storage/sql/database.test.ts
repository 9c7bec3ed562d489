/** What both databases promise to repositories: values, transactions, hooks, announcements. */
import { AsyncResource } from 'node:async_hooks';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openDatabase as openPostgres } from '../../../src/storage/postgres/database/database.ts';
import { toJson } from '../../../src/storage/sql/json.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { Reserve } from '../../../src/storage/sqlite/database/reserve.ts';
import { SqliteDatabase } from '../../../src/storage/sqlite/database/sqlite-database.ts';
import { undoAfterTests } from '../../fixture/cleanup.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

/** Time enough on a busy machine. */
const BUSY = { timeout: 30_000 };
/** Runs work as a request would that is answered at the same time: outside of any transaction. */
const REQUEST = new AsyncResource('request');

const opened: { close(): Promise<void> }[] = [];
undoAfterTests(async () => {
  for (const database of opened.splice(0)) await database.close();
});

/** Opens a database that the given number of processes share. */
type Open = (processes: number) => Promise<Database[]>;

async function sqlite(processes: number): Promise<Database[]> {
  const folder = temporaryFolder();
  const files = { refuseIfLost: () => {}, keepCommitted: () => {} };
  const databases = Array.from({ length: processes }, () => {
    const connection = openDatabase(join(folder, 'metaheac.db'));
    return new SqliteDatabase(connection, { files, reserve: new Reserve(folder) });
  });
  opened.push(...databases);
  return databases;
}

async function postgres(processes: number): Promise<Database[]> {
  const url = await openMigratedPostgres();
  const databases = await Promise.all(Array.from({ length: processes }, () => openPostgres(url)));
  opened.push(...databases);
  return databases;
}

describe('SQLite', () => describeDatabase(sqlite));
describeWithPostgres('Postgres', () => describeDatabase(postgres));

function describeDatabase(open: Open): void {
  it('returns texts, flags and JSON as they were written, and finds values in lists', async () => {
    const [database] = await open(1);
    const text = 'a\0b\uFFFFc@x';
    const labels = { b: '\0', a: '\\u0000', '\0k': '\uFFFF' };
    const row = {
      id: 'mh_1',
      sha256: text,
      name: text,
      scope: 'read',
      labels: toJson(labels),
      created_at: 2 ** 53 - 2,
    };
    await database!.run(
      `INSERT INTO api_keys (id, sha256, name, scope, labels, created_at)
       VALUES (@id, @sha256, @name, @scope, @labels, @created_at)`,
      row,
    );
    const { isAnyOf, rowsOf, hasPairs } = database!.dialect;
    const read = await database!.get<{ name: string; labels: string; at: number }>(
      `SELECT name, labels, created_at AS at FROM api_keys
       WHERE id ${isAnyOf('ids', 'text')} AND created_at ${isAnyOf('times', 'bigint')}
         AND id IN (SELECT value FROM ${rowsOf('ids', 'text')}) AND ${hasPairs('labels', 'some')}`,
      { ids: ['mh_0', 'mh_1'], times: [7, 2 ** 53 - 2], some: toJson({ a: '\\u0000' }) },
    );
    expect({ ...read, labels: JSON.parse(read!.labels) }).toEqual({ name: text, labels, at: 2 ** 53 - 2 });
    await expect(database!.get('SELECT name FROM api_keys WHERE id = @missing', {})).rejects.toThrow('missing');
  });

  it('loses no increment of transactions at the same time', async () => {
    const [one, two] = await open(2);
    const increment = (database: Database) =>
      database.write(async (t) => {
        const row = await t.get<{ at: number }>('SELECT written_at AS at FROM probe');
        await t.run('UPDATE probe SET written_at = @next', { next: row!.at + 1 });
      });
    await Promise.all(Array.from({ length: 40 }, (_, i) => increment(i % 2 === 0 ? one! : two!)));
    expect(await writtenAt(one!)).toBe(40);
  });

  it('shows an open transaction to nobody, and undoes all of one that throws', async () => {
    const [database] = await open(1);
    let seen: number | null = null;
    const failing = database!.write(async (t) => {
      await t.run('UPDATE probe SET written_at = 7');
      // outside of the transaction's context, as a request at the same time
      seen = await REQUEST.runInAsyncScope(() => writtenAt(database!));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect([seen, await writtenAt(database!)]).toEqual([0, 0]);
  });

  it('refuses other statements and transactions within a transaction', async () => {
    const [database] = await open(1);
    const statement = database!.write(() => database!.get('SELECT 1'));
    await expect(statement).rejects.toThrow('statements run by the transaction');
    await expect(database!.write(() => database!.write(async () => 1))).rejects.toThrow('transactions are not nested');
  });

  it('runs hooks in each transaction, and what they return once after the commit', async () => {
    const [database] = await open(1);
    let [within, after] = [0, 0];
    database!.beforeCommit(async (t) => {
      within += 1;
      await t.run('UPDATE probe SET written_at = written_at + 1');
      return () => {
        after += 1;
      };
    });
    await database!.write(async () => {});
    await expect(database!.write(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([within, after, await writtenAt(database!)]).toEqual([1, 1, 1]);
  });

  it('announces a commit with its key to this process at once, and to others soon; a rollback is not announced', async () => {
    const [one, two] = await open(2);
    const own: (string | null)[] = [];
    const others: (string | null)[] = [];
    one!.listen('audience', (key) => own.push(key));
    two!.listen('audience', (key) => others.push(key));
    // what was announced before somebody began to listen may be reported without a key
    await vi.waitFor(() => expect(one!.announcements.isFresh && two!.announcements.isFresh).toBe(true), BUSY);
    await new Promise(setImmediate);
    own.length = 0;
    others.length = 0;
    await expect(
      one!.write((t) => {
        t.announce('audience', 'lost');
        return Promise.reject(new Error('no'));
      }),
    ).rejects.toThrow('no');
    await one!.write(async (t) => t.announce('audience', 'c-1'));
    expect(own).toContain('c-1');
    await vi.waitFor(() => {
      void two!.announcements.isFresh;
      expect(others.length).toBeGreaterThan(0);
    }, BUSY);
    void one!.announcements.isFresh;
    // Postgres sends an announcement to its own process too, perhaps before the write returns, and a listener that has
    // connected again is told that it may have missed some
    expect(own.filter((key) => key !== null && key !== 'c-1')).toEqual([]);
  });
}

async function writtenAt(database: Database): Promise<number> {
  return (await database.get<{ at: number }>('SELECT written_at AS at FROM probe'))!.at;
}
