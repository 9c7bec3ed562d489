/** Opening and migrating: settings, several processes at once, newer and foreign databases, failing migrations. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import {
  databaseError,
  MIGRATIONS_FOLDER,
  openDatabase,
  readMigrations,
  truncateLog,
  write,
} from '../../../src/storage/sqlite/database/database.ts';
import { databaseFaults, hasSums } from '../../../src/storage/sqlite/database/row-sums.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const migration = (number: number, sql: string) => ({ number, name: `000${number}-test.sql`, sql });

describe('openDatabase', () => {
  it('sets WAL, full synchronisation and foreign keys', () => {
    const database = openDatabase(join(temporaryFolder(), 'a.db'));
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.pragma('synchronous', { simple: true })).toBe(2);
    expect(database.pragma('foreign_keys', { simple: true })).toBe(1);
    expect(database.pragma('busy_timeout', { simple: true })).toBe(5000);
    expect(database.pragma('user_version', { simple: true })).toBe(readMigrations(MIGRATIONS_FOLDER).length);
    database.close();
  });

  it('keeps all rows of an earlier version, with new checksums', () => {
    const path = join(temporaryFolder(), 'a.db');
    const first = openDatabase(path);
    first.exec("INSERT INTO erasure_requests VALUES ('ann'), ('bob')");
    first.close();
    const next = migration(2, 'ALTER TABLE erasure_requests ADD COLUMN next TEXT');
    const database = openDatabase(path, [...readMigrations(MIGRATIONS_FOLDER), next]);
    expect(database.prepare('SELECT * FROM erasure_requests ORDER BY 1').all()).toEqual([
      { user_id: 'ann', next: null },
      { user_id: 'bob', next: null },
    ]);
    expect(databaseFaults(database)).toEqual([]);
    expect(hasSums(database)).toBe(true);
    database.close();
  });

  it('undoes a migration that fails half-way, and names it', () => {
    const path = join(temporaryFolder(), 'a.db');
    expect(() => openDatabase(path, [migration(1, 'CREATE TABLE a (x); CREATE TABEL b (x)')])).toThrow(
      'migration 0001-test.sql failed',
    );
    const database = openDatabase(path, []);
    expect(database.prepare('SELECT count(*) FROM sqlite_master').pluck().get()).toBe(0);
    expect(database.pragma('user_version', { simple: true })).toBe(0);
    database.close();
  });

  it('refuses a database of a newer version', () => {
    const path = join(temporaryFolder(), 'a.db');
    openDatabase(path, [migration(1, 'CREATE TABLE a (x)'), migration(2, 'CREATE TABLE b (x)')]).close();
    expect(() => openDatabase(path, [migration(1, 'CREATE TABLE a (x)')])).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `${path} was written by a newer version (schema 2, this version knows 1)`,
      }),
    );
  });

  it('refuses a file that is not a database', () => {
    const path = join(temporaryFolder(), 'a.db');
    writeFileSync(path, 'hello '.repeat(1000));
    expect(() => openDatabase(path)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('not an intact SQLite') }),
    );
  });

  it('throws storage_failed if the file cannot be opened', () => {
    expect(() => openDatabase(temporaryFolder())).toThrow(
      expect.objectContaining({ code: 'storage_failed', facts: { errno: expect.stringMatching(/^SQLITE_CANTOPEN/) } }),
    );
  });

  it('lets several processes create the same database at once', async () => {
    const path = join(temporaryFolder(), 'a.db');
    const source = join(import.meta.dirname, '../../../src/storage/sqlite/database/database.ts');
    const program = `
      import { openDatabase } from ${JSON.stringify(source)};
      for (let i = 0; i < 5; i++) openDatabase(process.argv[1]).close();
    `;
    const codes = await Promise.all(
      [1, 2, 3, 4].map(
        () =>
          new Promise((resolve) => {
            spawn(process.execPath, ['--input-type=module', '-e', program, path], {
              stdio: ['ignore', 'ignore', 'inherit'],
            }).on('exit', resolve);
          }),
      ),
    );
    expect(codes).toEqual([0, 0, 0, 0]);
  });
});

describe('write', () => {
  it('throws unavailable if another process holds the lock for too long', () => {
    const path = join(temporaryFolder(), 'a.db');
    const holder = openDatabase(path);
    const waiter = openDatabase(path);
    waiter.pragma('busy_timeout = 10');
    holder.exec('BEGIN IMMEDIATE');
    expect(() => write(waiter, () => undefined)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    holder.close();
    waiter.close();
  });

  it('throws storage_failed if the disk is full', () => {
    const database = openDatabase(join(temporaryFolder(), 'a.db'), [migration(1, 'CREATE TABLE a (x)')]);
    const pages = database.pragma('page_count', { simple: true });
    database.pragma(`max_page_count = ${pages}`);
    expect(() =>
      write(database, () => database.prepare('INSERT INTO a VALUES (@x)').run({ x: 'x'.repeat(100_000) })),
    ).toThrow(expect.objectContaining({ code: 'storage_failed', facts: { errno: 'SQLITE_FULL' } }));
    database.close();
  });
});

it.each(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'])('%s is called a full disk', (code) => {
  expect(databaseError('a.db', new Sqlite.SqliteError('disk I/O error', code))).toMatchObject({
    ...{ code: 'storage_failed', message: 'cannot use a.db: the disk is full', facts: { errno: code } },
  });
});

describe('readMigrations', () => {
  it('throws storage_failed if the disk is full while the log is checkpointed', () => {
    const database = openDatabase(join(temporaryFolder(), 'a.db'), [migration(1, 'CREATE TABLE a (x)')]);
    const full = vi.spyOn(database, 'pragma').mockImplementation(() => {
      throw new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL');
    });
    expect(() => truncateLog(database)).toThrow(
      expect.objectContaining({ code: 'storage_failed', facts: { errno: 'SQLITE_FULL' } }),
    );
    full.mockRestore();
    database.close();
  });
});
