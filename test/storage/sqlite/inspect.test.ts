/** One service per data folder; inspecting a folder: the report for each state, and that nothing changes. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectDataFolder, lockDataFolder } from '../../../src/storage/sqlite/database/data-folder.ts';
import {
  MIGRATIONS_FOLDER,
  openDatabase,
  readMigrations,
  write,
} from '../../../src/storage/sqlite/database/database.ts';
import { temporaryFolder, useFolders } from '../../fixture/folders.ts';

const newFolder = useFolders();
const newest = readMigrations(MIGRATIONS_FOLDER).length;
const databaseOf = (folder: string) => join(folder, 'metaheac.db');

/** Everything that could change: names, sizes, times, contents. */
function stateOf(folder: string) {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { size, mtimeMs, ctimeMs } = statSync(path);
      return { name, size, mtimeMs, ctimeMs, bytes: readFileSync(path).toString('base64') };
    });
}

describe('inspectDataFolder', () => {
  it('finds nothing in an empty folder, and leaves it empty', () => {
    const folder = newFolder();
    expect(inspectDataFolder(folder, 0)).toEqual({
      isTaken: false,
      contents: null,
      stranded: null,
      saved: [],
      setAside: [],
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds an intact database, and changes nothing', () => {
    const folder = newFolder();
    openDatabase(databaseOf(folder)).close();
    lockDataFolder(folder)();
    const before = stateOf(folder);
    expect(inspectDataFolder(folder, 0)).toEqual({
      isTaken: false,
      stranded: null,
      saved: [],
      setAside: [],
      contents: expect.objectContaining({
        version: newest,
        newestVersion: newest,
        damage: null,
        isChecked: true,
        campaigns: 0,
      }) as unknown,
    });
    expect(stateOf(folder)).toEqual(before);
  });

  it('sees the commits of a running service, and that it is running', () => {
    const folder = newFolder();
    const release = lockDataFolder(folder);
    const database = openDatabase(databaseOf(folder));
    write(database, () => database.pragma(`user_version = ${newest + 1}`));
    const before = readdirSync(folder);
    expect(inspectDataFolder(folder, 0)).toMatchObject({ isTaken: true, contents: { version: newest + 1 } });
    expect(readdirSync(folder)).toEqual(before);
    // and it did not release the lock
    expect(() => lockDataFolder(folder)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    database.close();
    release();
    expect(inspectDataFolder(folder, 0).isTaken).toBe(false);
  });

  it('sees the log of a killed service', () => {
    const [folder, killed] = [newFolder(), newFolder()];
    const database = openDatabase(databaseOf(folder));
    database.pragma('wal_checkpoint(TRUNCATE)');
    write(database, () => database.pragma(`user_version = ${newest + 2}`));
    for (const name of readdirSync(folder)) copyFileSync(join(folder, name), join(killed, name));
    database.close();
    expect(statSync(join(killed, 'metaheac.db-wal')).size).toBeGreaterThan(0);
    expect(inspectDataFolder(killed, 0)).toMatchObject({ isTaken: false, contents: { version: newest + 2 } });
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['is no database', (path) => writeFileSync(path, 'x'.repeat(5000)), /not a database/],
    ['is too short', (path) => writeFileSync(path, 'SQLite'), /6 bytes/],
    ['was cut off', (path) => truncateSync(path, 8192), /malformed|Page|invalid|disk image/i],
    [
      'has a page of noise',
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 4096, 8192);
        writeFileSync(path, bytes);
      },
      /malformed|btree|Tree|disk image/i,
    ],
  ])('says what is wrong with a database that %s', (_how, harm, message) => {
    const folder = newFolder();
    openDatabase(databaseOf(folder)).close();
    harm(databaseOf(folder));
    expect(inspectDataFolder(folder, 0).contents?.damage).toMatch(message);
  });

  it('says that a database is not from this program', () => {
    const folder = newFolder();
    openDatabase(databaseOf(folder), [{ number: 1, name: '0001-other.sql', sql: 'CREATE TABLE a (x)' }]).close();
    expect(inspectDataFolder(folder, 0).contents?.damage).toMatch(/another program/);
  });

  it('throws if the database cannot be read', () => {
    const folder = newFolder();
    mkdirSync(databaseOf(folder));
    expect(() => inspectDataFolder(folder, 0)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
  });
});

describe('lockDataFolder', () => {
  it('locks the folder, created if missing, for one holder, and for the next once it is released', () => {
    const folder = join(temporaryFolder(), 'new', 'data');
    const release = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(
      expect.objectContaining({ code: 'unavailable', message: expect.stringContaining(folder) }),
    );
    release();
    lockDataFolder(folder)();
  });

  it('throws storage_failed if the folder cannot be created', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(() => lockDataFolder(join(folder, 'file', 'data'))).toThrow(
      expect.objectContaining({ code: 'storage_failed', cause: expect.objectContaining({ code: 'ENOTDIR' }) }),
    );
  });
});
