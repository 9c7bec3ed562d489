/** The files of an open database are removed or replaced: nothing more is written, and nothing acknowledged is lost. */
import { copyFileSync, cpSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { guardFiles, openDatabase, write } from '../../../src/storage/sqlite/database/database.ts';
import { DatabaseFiles, requireTakeable, takeSaved } from '../../../src/storage/sqlite/database/database-files.ts';
import { inspectDataFolder } from '../../../src/storage/sqlite/database/inspect.ts';
import { openStore } from '../../../src/storage/sqlite/open-store.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { dataFolder } from './data-folder.ts';

const LOST = expect.objectContaining({ code: 'database_lost' });

function create(store: CampaignStore): string {
  return store.create(newCampaign(), everyoneIsKnown).id;
}

function copyHere(from: string, to: string): void {
  for (const name of readdirSync(from))
    if (name.startsWith('metaheac.db')) copyFileSync(join(from, name), join(to, name));
}

/** A service with campaigns, some of which are only in the log. */
function started(): ReturnType<typeof dataFolder> & { store: CampaignStore; ids: string[] } {
  const data = dataFolder({ saves: true });
  const store = data.open();
  store.takeFolder();
  return { ...data, store, ids: [create(store), create(store)] };
}

/** Opens the folder like the next service while the files of the previous one are open, as if that had been killed. */
function startAgain(data: ReturnType<typeof dataFolder>): CampaignStore {
  takeSaved(data.folder, data.clock.now());
  const store = data.open();
  expect(store.takeFolder()).toBeNull();
  return store;
}

describe('the files of an open database', () => {
  it.each<[string, string, (folder: string) => void]>([
    ['its log is removed', 'metaheac.db-wal is missing', (folder) => rmSync(join(folder, 'metaheac.db-wal'))],
    [
      'its index of the log is removed',
      'metaheac.db-shm is missing',
      (folder) => rmSync(join(folder, 'metaheac.db-shm')),
    ],
    ['it is removed', 'metaheac.db is missing', (folder) => rmSync(join(folder, 'metaheac.db'))],
    [
      'all of it is removed',
      'metaheac.db is missing',
      (folder) => {
        for (const name of readdirSync(folder)) if (name.startsWith('metaheac.db')) rmSync(join(folder, name));
      },
    ],
    [
      'an earlier state of it is renamed into its place',
      'metaheac.db was replaced',
      (folder) => {
        copyFileSync(join(folder, 'metaheac.db'), join(folder, 'copy'));
        renameSync(join(folder, 'copy'), join(folder, 'metaheac.db'));
      },
    ],
    ['the whole folder is removed', 'is missing', (folder) => rmSync(folder, { recursive: true })],
  ])('are saved if %s, and put back by the next start', (_how, what, harm) => {
    const data = started();
    harm(data.folder);
    const lost = data.store.health.lostFiles()!;
    expect(lost).toEqual({ what: expect.stringContaining(what), savedAs: expect.any(String), failure: null });
    expect(() => create(data.store)).toThrow(LOST);
    expect(() => data.store.health.probe()).toThrow(LOST);
    // reads go on
    expect(data.store.list({ limit: 9 }).items).toHaveLength(2);
    // and no other command uses the files that are there now as the database
    expect(() => data.open()).toThrow(/is saved as .*: start serve again/);
    expect(inspectDataFolder(data.folder, 0).saved).toEqual([lost.savedAs]);
    const again = startAgain(data);
    expect(
      again
        .list({ limit: 9 })
        .items.map(({ id }) => id)
        .sort(),
    ).toEqual([...data.ids].sort());
    create(again);
    expect(takeSaved(data.folder, 0)).toBeNull();
  });

  it('are found gone by the first write, without a look before', () => {
    const data = started();
    rmSync(join(data.folder, 'metaheac.db-wal'));
    expect(() => create(data.store)).toThrow(LOST);
    expect(startAgain(data).list({ limit: 9 }).items).toHaveLength(2);
  });

  it('keep a commit that found them gone if it was saved, and refuse it if not', () => {
    for (const isSaver of [true, false]) {
      const folder = temporaryFolder();
      const database = openDatabase(join(folder, 'metaheac.db'));
      const files = new DatabaseFiles(database, { isSaver, now: () => 0 });
      guardFiles(database, files);
      const commit = () =>
        write(database, () => {
          database.prepare("INSERT INTO erasure_requests (user_id) VALUES ('ann')").run();
          rmSync(join(folder, 'metaheac.db-wal'));
        });
      if (!isSaver) expect(commit).toThrow(LOST);
      else {
        commit();
        const saved = openDatabase(files.look()!.savedAs!);
        expect(saved.prepare('SELECT user_id FROM erasure_requests').pluck().all()).toEqual(['ann']);
        saved.close();
      }
      database.close();
    }
  });

  it('are not saved by a second connection, which refuses to write as well', () => {
    const data = started();
    const engine = openStore(data.folder, { clock: data.clock, minimumSeeds: 2, leaseMs: 1000, maximumAttempts: 3 });
    rmSync(join(data.folder, 'metaheac.db-wal'));
    expect(() => engine.claim('1:engine')).toThrow(LOST);
    expect(readdirSync(data.folder).filter((name) => name.includes('.saved-'))).toEqual([]);
    expect(data.store.health.lostFiles()?.savedAs).toContain('.saved-');
    engine.close();
  });

  it.each<[string, (folder: string, other: string) => void, RegExp]>([
    [
      'another database is in its place',
      (folder, other) => {
        for (const name of readdirSync(folder)) if (name.startsWith('metaheac.db')) rmSync(join(folder, name));
        copyHere(other, folder);
      },
      /is another database, or has rows that the saved database lacks\. To put it back: move .*mv .*saved-/,
    ],
    [
      'another folder is in the place of its own',
      (folder, other) => {
        renameSync(folder, `${folder}-moved`);
        cpSync(other, folder, { recursive: true });
      },
      /is not the folder in which the database was open/,
    ],
  ])('are for the operator to choose from if %s', (_how, harm, message) => {
    const [data, other] = [started(), dataFolder()];
    const second = other.open();
    create(second);
    second.close();
    harm(data.folder, other.folder);
    const { savedAs } = data.store.health.lostFiles()!;
    expect(savedAs).not.toBeNull();
    const before = readdirSync(data.folder).sort();
    expect(() => takeSaved(data.folder, 0)).toThrow(message);
    expect(() => data.open()).toThrow(/start serve/);
    expect(readdirSync(data.folder).sort()).toEqual(before);
    // its advice helps
    for (const name of readdirSync(data.folder))
      if (name.startsWith('metaheac.db') && join(data.folder, name) !== savedAs) rmSync(join(data.folder, name));
    renameSync(savedAs!, join(data.folder, 'metaheac.db'));
    expect(data.open().list({ limit: 9 }).items).toHaveLength(2);
    rmSync(`${data.folder}-moved`, { recursive: true, force: true });
  });

  it('is not restored from an interrupted save, which is removed at the next start', () => {
    const data = started();
    data.store.close();
    for (const end of ['.tmp', '.tmp-journal'])
      writeFileSync(join(data.folder, `metaheac.db.saved-2026-11-28T23-59-51-084Z${end}`), 'x');
    expect(inspectDataFolder(data.folder, 0).saved).toEqual([]);
    requireTakeable(data.folder);
    expect(takeSaved(data.folder, 0)).toBeNull();
    expect(readdirSync(data.folder).filter((name) => name.includes('.saved-'))).toEqual([]);
  });

  it('are checked within microseconds', () => {
    const data = started();
    const start = performance.now();
    for (let i = 0; i < 1000; i++) data.store.health.lostFiles();
    expect((performance.now() - start) / 1000).toBeLessThan(1);
  });
});
