/** The door to Postgres: values, transactions that conflict, lost connections, announcements. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import type { Tracking } from '../../../src/storage/postgres/database/announcements.ts';
import { openDatabase, PostgresDatabase } from '../../../src/storage/postgres/database/database.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

/** Machines that run tests are busy. */
const WITHIN = { timeout: 10_000, interval: 5 };

const opened: PostgresDatabase[] = [];
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});

async function open(url?: string, tracking?: Tracking): Promise<PostgresDatabase> {
  const database = await openDatabase(url ?? (await openMigratedPostgres()), tracking);
  opened.push(database);
  return database;
}

/** Ends all other connections to a database, as a server does that is stopped. */
async function cutConnections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await client.end();
}

/** A proxy that loses the answer to the first COMMIT, with its connection. */
async function losingAnswers(url: string) {
  const { port, hostname } = new URL(url);
  let lost = 0;
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    let isCommitting = false;
    client.on('data', (data) => {
      isCommitting ||= lost === 0 && data.includes('COMMIT');
      server.write(data);
    });
    server.on('data', (data) => {
      if (!isCommitting) return client.write(data);
      lost += 1;
      return client.destroy();
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('close', () => other.destroy()).on('error', () => {});
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const through = new URL(url);
  through.port = String((proxy.address() as AddressInfo).port);
  return { url: through.href, lost: () => lost, close: () => proxy.close() };
}

/** Waits until a statement of another connection waits for a lock. */
async function waitForLock(database: PostgresDatabase): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await database.get(waiting)) === undefined) await setTimeout(5);
}

describeWithPostgres('Database', () => {
  it('runs a transaction alone if it must: after those that have begun, and before later ones', async () => {
    const url = await openMigratedPostgres();
    const [one, two] = [await open(url), await open(url)];
    const order: string[] = [];
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const first = one.write(async () => {
      begun.resolve();
      await go.promise;
      order.push('first');
    }, 'readCommitted');
    await begun.promise;
    const alone = two.write(async () => void order.push('alone'), 'alone');
    await waitForLock(one);
    const later = one.write(async () => void order.push('later'));
    go.resolve();
    await Promise.all([first, alone, later]);
    expect(order).toEqual(['first', 'alone', 'later']);
  });

  it('goes on after its connections were cut, also in the middle of a transaction', async () => {
    const url = await openMigratedPostgres();
    const database = await open(url);
    await database.get('SELECT 1');
    await cutConnections(url);
    expect(await database.get('SELECT 1 AS one')).toEqual({ one: 1 });
    let attempts = 0;
    await database.write(async (t) => {
      attempts += 1;
      if (attempts === 1) await cutConnections(url);
      await t.run('UPDATE probe SET written_at = written_at + 1');
    });
    expect([attempts, await database.get('SELECT written_at AS at FROM probe')]).toEqual([2, { at: 1 }]);
  });

  it('learns that a commit took place whose answer was lost, and does not repeat it', async () => {
    const url = await openMigratedPostgres();
    await open(url);
    const proxy = await losingAnswers(url);
    const database = new PostgresDatabase(proxy.url);
    opened.push(database);
    let attempts = 0;
    await database.write(async (t) => {
      attempts += 1;
      await t.run('UPDATE probe SET written_at = written_at + 1');
    });
    const counted = await database.get('SELECT written_at AS at FROM probe');
    expect([proxy.lost(), attempts, counted]).toEqual([1, 1, { at: 1 }]);
    proxy.close();
  });

  it('repeats a commit that was lost before it took place', async () => {
    const url = await openMigratedPostgres();
    const database = await open(url);
    await database.run(`CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.written_at = 1 THEN PERFORM pg_sleep(30); END IF; RETURN NEW; END $$`);
    await database.run(`CREATE CONSTRAINT TRIGGER waits AFTER UPDATE ON probe DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION wait()`);
    let attempts = 0;
    const writing = database.write(async (t) => {
      attempts += 1;
      await t.run('UPDATE probe SET written_at = @attempts', { attempts });
    });
    while ((await database.get(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)) === undefined)
      await setTimeout(5);
    await cutConnections(url);
    await writing;
    expect([attempts, await database.get('SELECT written_at AS at FROM probe')]).toEqual([2, { at: 2 }]);
  });

  it('says unavailable without a server, and never a password', async () => {
    const database = new PostgresDatabase('postgres://somebody:secret-word@127.0.0.1:1/none');
    opened.push(database);
    for (const call of [() => database.get('SELECT 1'), () => database.write(async () => 1)]) {
      const error = await call().then(
        () => null,
        (reason) => reason,
      );
      expect(error).toMatchObject({ code: 'unavailable' });
      expect(JSON.stringify([error.message, error.facts, String(error.cause), error.stack])).not.toContain(
        'secret-word',
      );
    }
  });

  it('says unavailable if the server accepts connections and never answers', async () => {
    const silent = createServer(() => {});
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const url = `postgres://someone@127.0.0.1:${(silent.address() as AddressInfo).port}/none`;
    await expect(openDatabase(url)).rejects.toMatchObject({ code: 'unavailable' });
    silent.close();
  });

  it('reads the password file, as other programs of Postgres do, without a warning', async () => {
    const received = Promise.withResolvers<string>();
    // asks for a password in clear text, then reads it and hangs up
    const server = createServer((client) => {
      client.once('data', () => {
        client.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        client.once('data', (data) => {
          received.resolve(data.subarray(5, -1).toString());
          client.destroy();
        });
      });
      client.on('error', () => {});
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const file = join(temporaryFolder(), 'pgpass');
    writeFileSync(file, `127.0.0.1:${port}:campaigns:ann:of-the-file\n`, { mode: 0o600 });
    vi.stubEnv('PGPASSFILE', file);
    onTestFinished(() => void vi.unstubAllEnvs());
    const warnings: string[] = [];
    const warn = ({ message }: Error) => void warnings.push(message);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const database = new PostgresDatabase(`postgres://ann@127.0.0.1:${port}/campaigns`);
    opened.push(database);
    await expect(database.get('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await received.promise).toBe('of-the-file');
    expect(warnings).toEqual([]);
  });

  it('keeps the values of rows out of its errors', async () => {
    const database = await open();
    const insert = () => database.run('INSERT INTO erasure_requests (user_id) VALUES (@id)', { id: 'ann@example.com' });
    await insert();
    const error = await insert().catch((reason) => reason);
    expect(String(error)).toContain('duplicate key');
    expect(JSON.stringify({ ...error, cause: error.cause, stack: error.stack })).not.toContain('ann@');
  });
});

describeWithPostgres('announcements', () => {
  it('that may have been missed are made up for when the connection is back', async () => {
    const url = await openMigratedPostgres();
    const database = await open(url);
    const heard: (string | null)[] = [];
    database.listen('audience', (key) => heard.push(key));
    await database.announcements.caughtUp();
    heard.length = 0;
    await cutConnections(url);
    await database.announcements.caughtUp();
    expect(heard).toEqual([null]);
  });

  it('reach a process that only asks whether its connection answers, also after it was cut', async () => {
    const url = await openMigratedPostgres();
    const [node, engine] = [await open(url), await open(url, 'answers')];
    const heard: (string | null)[] = [];
    engine.listen('jobs', (key) => heard.push(key));
    await vi.waitFor(() => expect(engine.announcements.isFresh).toBe(true), WITHIN);
    await node.write(async (t) => t.announce('jobs', 'one'));
    await vi.waitFor(() => expect(heard).toContain('one'), WITHIN);
    heard.length = 0;
    await cutConnections(url);
    // a busy machine may lose a connection once more
    await vi.waitFor(() => expect(heard).toContain(null), WITHIN);
    await node.write(async (t) => t.announce('jobs', 'two'));
    await vi.waitFor(() => expect(heard).toContain('two'), WITHIN);
  });

  it('make no NOTIFY in a process that only asks, which would wake all others', async () => {
    const pulseOf = async (tracking: Tracking) => {
      const database = await open(undefined, tracking);
      database.listen('jobs', () => {});
      await vi.waitFor(() => expect(database.announcements.isFresh).toBe(true), WITHIN);
      const lastQuery = `SELECT query FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'metaheac listener'`;
      const found = await database.get<{ readonly query: string }>(lastQuery);
      return found!.query;
    };
    expect(await pulseOf('answers')).toBe('SELECT 1');
    expect(await pulseOf('proved')).toContain('pg_notify');
  });
});
