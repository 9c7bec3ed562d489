/** The files of an open database are removed or replaced: nothing more is written, and nothing acknowledged is lost. */
import { copyFileSync, cpSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';
import { inspectDataFolder } from '../../../src/storage/sqlite/database/data-folder.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { DatabaseFiles, requireTakeable, takeSaved } from '../../../src/storage/sqlite/database/database-files.ts';
import { Reserve } from '../../../src/storage/sqlite/database/reserve.ts';
import { SqliteDatabase } from '../../../src/storage/sqlite/database/sqlite-database.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { dataFolder } from './data-folder.ts';

const LOST = expect.objectContaining({ code: 'database_lost' });

async function create(store: CampaignStore): Promise<string> {
  return (await store.create(newCampaign(), everyoneIsKnown)).id;
}

function copyHere(from: string, to: string): void {
  for (const name of readdirSync(from))
    if (name.startsWith('metaheac.db')) copyFileSync(join(from, name), join(to, name));
}

/** A service with campaigns, some of which are only in the log. */
async function started(): Promise<ReturnType<typeof dataFolder> & { store: CampaignStore; ids: string[] }> {
  const data = dataFolder({ saves: true });
  const store = await data.open();
  await store.takeFolder();
  return { ...data, store, ids: [await create(store), await create(store)] };
}

/** Opens the folder like the next service while the files of the previous one are open, as if that had been killed. */
async function startAgain(data: ReturnType<typeof dataFolder>): Promise<CampaignStore> {
  takeSaved(data.folder, data.clock.now());
  const store = await data.open();
  expect(await store.takeFolder()).toBeNull();
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
  ])('are saved if %s, and put back by the next start', async (_how, what, harm) => {
    const data = await started();
    harm(data.folder);
    const lost = data.store.health.lostFiles()!;
    expect(lost).toEqual({ what: expect.stringContaining(what), savedAs: expect.any(String), failure: null });
    await expect(create(data.store)).rejects.toThrow(LOST);
    await expect(data.store.health.probe()).rejects.toThrow(LOST);
    // reads go on
    expect((await data.store.list({ limit: 9 })).items).toHaveLength(2);
    // and no other command uses the files that are there now as the database
    await expect(data.open()).rejects.toThrow(/is saved as .*: start serve again/);
    expect(inspectDataFolder(data.folder, 0).saved).toEqual([lost.savedAs]);
    const again = await startAgain(data);
    expect((await again.list({ limit: 9 })).items.map(({ id }) => id).sort()).toEqual([...data.ids].sort());
    await create(again);
    expect(takeSaved(data.folder, 0)).toBeNull();
  });

  it('are found gone by the first write, without a look before', async () => {
    const data = await started();
    rmSync(join(data.folder, 'metaheac.db-wal'));
    await expect(create(data.store)).rejects.toThrow(LOST);
    expect((await (await startAgain(data)).list({ limit: 9 })).items).toHaveLength(2);
  });

  it('keep a commit that found them gone if it was saved, and refuse it if not', async () => {
    for (const isSaver of [true, false]) {
      const folder = temporaryFolder();
      const connection = openDatabase(join(folder, 'metaheac.db'));
      const files = new DatabaseFiles(connection, { isSaver, now: () => 0 });
      const database = new SqliteDatabase(connection, { files, reserve: new Reserve(folder) });
      const commit = () =>
        database.write(async (t) => {
          await t.run("INSERT INTO erasure_requests (user_id) VALUES ('ann')");
          rmSync(join(folder, 'metaheac.db-wal'));
        });
      if (!isSaver) await expect(commit()).rejects.toThrow(LOST);
      else {
        await commit();
        const saved = openDatabase(files.look()!.savedAs!);
        expect(saved.prepare('SELECT user_id FROM erasure_requests').pluck().all()).toEqual(['ann']);
        saved.close();
      }
      await database.close();
    }
  });

  it('are not saved by a second connection, which refuses to write as well', async () => {
    const data = await started();
    const engine = await openStore(data.folder, {
      clock: data.clock,
      minimumSeeds: 2,
      leaseMs: 1000,
      maximumAttempts: 3,
    });
    rmSync(join(data.folder, 'metaheac.db-wal'));
    await expect(engine.claim('1:engine')).rejects.toThrow(LOST);
    expect(readdirSync(data.folder).filter((name) => name.includes('.saved-'))).toEqual([]);
    expect(data.store.health.lostFiles()?.savedAs).toContain('.saved-');
    await engine.close();
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
      /is not the folder from which the database was opened/,
    ],
  ])('are for the operator to choose from if %s', async (_how, harm, message) => {
    const [data, other] = [await started(), dataFolder()];
    const second = await other.open();
    await create(second);
    await second.close();
    harm(data.folder, other.folder);
    const { savedAs } = data.store.health.lostFiles()!;
    expect(savedAs).not.toBeNull();
    const before = readdirSync(data.folder).sort();
    expect(() => takeSaved(data.folder, 0)).toThrow(message);
    await expect(data.open()).rejects.toThrow(/start serve/);
    expect(readdirSync(data.folder).sort()).toEqual(before);
    // its advice helps
    for (const name of readdirSync(data.folder))
      if (name.startsWith('metaheac.db') && join(data.folder, name) !== savedAs) rmSync(join(data.folder, name));
    renameSync(savedAs!, join(data.folder, 'metaheac.db'));
    expect((await (await data.open()).list({ limit: 9 })).items).toHaveLength(2);
    rmSync(`${data.folder}-moved`, { recursive: true, force: true });
  });

  it('is not restored from an interrupted save, which is removed at the next start', async () => {
    const data = await started();
    await data.store.close();
    for (const end of ['.tmp', '.tmp-journal'])
      writeFileSync(join(data.folder, `metaheac.db.saved-2026-11-28T23-59-51-084Z${end}`), 'x');
    expect(inspectDataFolder(data.folder, 0).saved).toEqual([]);
    requireTakeable(data.folder);
    expect(takeSaved(data.folder, 0)).toBeNull();
    expect(readdirSync(data.folder).filter((name) => name.includes('.saved-'))).toEqual([]);
  });

  it('are checked within microseconds', async () => {
    const data = await started();
    const start = performance.now();
    for (let i = 0; i < 1000; i++) data.store.health.lostFiles();
    expect((performance.now() - start) / 1000).toBeLessThan(1);
  });
});
