/** Data folders and databases that do not belong together: a database only removes files that it made itself. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { rankingFolder } from '../../../src/domain/ranking-name.ts';
import { newSetName, userSetFile } from '../../../src/storage/files/set-file.ts';
import { openStore, openUpkeep } from '../../../src/storage/sqlite/adapter.ts';
import { backUpDataFolder, restoreDataFolder } from '../../../src/storage/sqlite/database/backup.ts';
import { adoptDataFolder } from '../../../src/storage/sqlite/database/data-folder.ts';
import { openDatabase, truncateLog } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { dataFolder } from './data-folder.ts';

const RETENTION = { versions: 5, days: 30 };

/** The clean-up of a service when it starts, and every ten minutes. */
async function start(store: CampaignStore): Promise<string | null> {
  const moved = await store.takeFolder();
  await store.removeLeftovers();
  await store.prune(RETENTION);
  return moved;
}

/** The store of a new data folder, after the first clean-up. */
async function started() {
  const data = dataFolder();
  const store = await data.open();
  await start(store);
  return { data, store };
}

/** Opens the store again, which sets the ranking aside; together with it, all files are still there. */
async function expectAside(
  { folder, open }: ReturnType<typeof dataFolder>,
  ranking: string,
  before: Record<string, string>,
): Promise<void> {
  const moved = (await start(await open()))!;
  expect(Object.keys(filesOf(folder, moved))).toContain(`${ranking}/order.u32`);
  expect({ ...filesOf(folder), ...filesOf(folder, moved) }).toEqual(before);
}

/** Creates a campaign with a ranking; returns the folder of the ranking. */
async function createReady(store: CampaignStore, seeds: readonly string[] = ['ann', 'bob']): Promise<string> {
  await store.create(newCampaign({ seeds }), everyoneIsKnown);
  const job = (await store.claim('1:test'))!;
  const folder = rankingFolder(job.campaignId, job.expansionId);
  await store.blobs.publish(folder, new Map([['order.u32', Buffer.from(folder)]]));
  await expand(store, job, { folder });
  return folder;
}

/** Every file of rankings and sets with its bytes, by path; `under` is a folder of the data folder. */
function filesOf(folder: string, under = '.'): Record<string, string> {
  const root = join(folder, under);
  const found = ['audiences', 'seeds'].flatMap((name) =>
    existsSync(join(root, name))
      ? readdirSync(join(root, name), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [],
  );
  return Object.fromEntries(found.sort().map((path) => [path.slice(root.length + 1), readFileSync(path, 'utf8')]));
}

async function setAsideIn(folder: string): Promise<string[]> {
  const upkeep = await openUpkeep(folder);
  return upkeep.setAside().finally(() => upkeep.close());
}

function marksOf(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('store-'));
}

function removeDatabase(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith('metaheac.db')) rmSync(join(folder, name));
}

/** The path of a copy of the database as it is now. */
function copyByHand(folder: string): string {
  const copy = join(temporaryFolder(), 'copy.db');
  const connection = openDatabase(join(folder, 'metaheac.db'));
  truncateLog(connection);
  connection.close();
  copyFileSync(join(folder, 'metaheac.db'), copy);
  return copy;
}

describe('a data folder whose database is gone', () => {
  it.each<[string, (folder: string) => void]>([
    ['missing', removeDatabase],
    [
      'empty',
      (folder) => {
        removeDatabase(folder);
        writeFileSync(join(folder, 'metaheac.db'), '');
      },
    ],
  ])('is refused by everything that opens it if the file is %s, and does not change', async (_how, harm) => {
    const { data, store } = await started();
    await createReady(store);
    await store.close();
    harm(data.folder);
    const before = readdirSync(data.folder, { recursive: true }).sort();
    const refusal = expect.objectContaining({
      code: 'invalid_argument',
      message: expect.stringMatching(/lost its database.* 1 ranking, 1 user set.*restore BACKUP.*--adopt/s),
    });
    await expect(data.open()).rejects.toThrow(refusal);
    await expect(openUpkeep(data.folder)).rejects.toThrow(refusal);
    expect(readdirSync(data.folder, { recursive: true }).sort()).toEqual(before);
  });

  it('is refused even with only a log or a database marker', async () => {
    const [log, mark] = [dataFolder(), dataFolder()];
    writeFileSync(join(log.folder, 'metaheac.db-wal'), 'x');
    await expect(log.open()).rejects.toThrow(/a log of 1 bytes/);
    expect(readFileSync(join(log.folder, 'metaheac.db-wal'), 'utf8')).toBe('x');
    const store = await mark.open();
    await start(store);
    await store.close();
    removeDatabase(mark.folder);
    await expect(mark.open()).rejects.toThrow(/the database marker/);
  });

  it('is not refused with only models that were promoted before any service started', async () => {
    const data = dataFolder();
    mkdirSync(join(data.folder, 'models'));
    writeFileSync(join(data.folder, 'models/served.json'), '{"base":null,"history":[]}');
    expect(await start(await data.open())).toBeNull();
    const served = dataFolder();
    mkdirSync(join(served.folder, 'models'));
    writeFileSync(join(served.folder, 'models/served.json'), '{"base":"0123456789ab","history":[]}');
    await expect(served.open()).rejects.toThrow(/promoted models/);
  });

  it('is adopted on request: all files are set aside, and an empty database takes their place', async () => {
    const { data, store } = await started();
    await createReady(store);
    await store.close();
    removeDatabase(data.folder);
    const before = filesOf(data.folder);
    const moved = adoptDataFolder(data.folder, data.clock.now())!;
    expect(moved).toMatch(/^set-aside\//);
    const again = await data.open();
    expect(await start(again)).toBeNull();
    expect((await again.list({ limit: 9 })).items).toEqual([]);
    expect(filesOf(data.folder)).toEqual({});
    expect(filesOf(data.folder, moved)).toEqual(before);
    // and from now on it is the folder of this database
    expect(adoptDataFolder(data.folder, data.clock.now())).toBeNull();
  });
});

describe('a data folder with another database', () => {
  it('keeps files made after the backup that replaced the database, set aside', async () => {
    const { data, store } = await started();
    const early = await createReady(store, ['ann', 'bob']);
    const backup = join(temporaryFolder(), 'backup');
    await backUpDataFolder(data.folder, backup, { now: 0, copy: true });
    const late = await createReady(store, ['cid', 'dan']);
    const before = filesOf(data.folder);
    await store.close();
    removeDatabase(data.folder);
    copyFileSync(join(backup, 'metaheac.db'), join(data.folder, 'metaheac.db'));
    const again = await data.open();
    const moved = (await start(again))!;
    expect(Object.keys(filesOf(data.folder))).toEqual([`${early}/order.u32`, expect.stringMatching(/^seeds\//)]);
    expect(Object.keys(filesOf(data.folder, moved))).toEqual([`${late}/order.u32`, expect.stringMatching(/^seeds\//)]);
    expect({ ...filesOf(data.folder), ...filesOf(data.folder, moved) }).toEqual(before);
    expect(await setAsideIn(data.folder)).toEqual([moved]);
  });

  it.each<[string, (store: CampaignStore) => Promise<unknown>]>([
    ['a start', (store) => store.takeFolder()],
    ['the removal of old data', (store) => store.prune(RETENTION)],
    ['the end of a service', (store) => store.renewGeneration()],
    ['a kill -9, within the same generation', async () => {}],
  ])('recognises an earlier state of the same database, copied by hand before %s', async (_what, happen) => {
    const { data, store } = await started();
    await createReady(store, ['ann', 'bob']);
    const copy = copyByHand(data.folder);
    const late = await createReady(store, ['cid', 'dan']);
    const before = filesOf(data.folder);
    await happen(store);
    await store.close();
    removeDatabase(data.folder);
    copyFileSync(copy, join(data.folder, 'metaheac.db'));
    await expectAside(data, late, before);
  });

  it('keeps files that an earlier copy of the whole folder does not know, if it is copied over this one', async () => {
    const { data, store } = await started();
    await createReady(store, ['ann', 'bob']);
    await store.renewGeneration();
    await store.close();
    const copy = join(temporaryFolder(), 'copy');
    cpSync(data.folder, copy, { recursive: true });
    const again = await data.open();
    await start(again);
    const late = await createReady(again, ['cid', 'dan']);
    const before = filesOf(data.folder);
    await again.close();
    cpSync(copy, data.folder, { recursive: true });
    await expectAside(data, late, before);
    expect(marksOf(data.folder)).toHaveLength(1);
  });

  it('keeps all files that a foreign database does not know, set aside', async () => {
    const [data, other] = [dataFolder(), dataFolder()];
    for (const each of [data, other]) {
      const store = await each.open();
      await start(store);
      await createReady(store, [each.folder, 'bob']);
      await store.close();
    }
    const before = filesOf(data.folder);
    removeDatabase(data.folder);
    copyFileSync(join(other.folder, 'metaheac.db'), join(data.folder, 'metaheac.db'));
    const moved = (await start(await data.open()))!;
    expect(filesOf(data.folder, moved)).toEqual(before);
    expect(filesOf(data.folder)).toEqual({});
  });

  it('removes no ranking once another database has marked the folder', async () => {
    const { data, store } = await started();
    const ranking = await createReady(store);
    const [name] = marksOf(data.folder);
    const mark = readFileSync(join(data.folder, name!), 'utf8');
    writeFileSync(join(data.folder, name!), JSON.stringify({ ...JSON.parse(mark), database: 'another' }));
    await store.delete(ranking.split('/')[1]!);
    const [moved] = await setAsideIn(data.folder);
    expect(Object.keys(filesOf(data.folder, moved!))).toEqual([`${ranking}/order.u32`]);
    expect(marksOf(data.folder)).toEqual([name]);
  });
});

describe('a data folder with its own database', () => {
  it('removes files that a crash left without a row, and sets nothing aside', async () => {
    const { data, store } = await started();
    const kept = await createReady(store);
    const before = filesOf(data.folder);
    const campaignId = kept.split('/')[1]!;
    await store.blobs.publish(rankingFolder(campaignId, 'e'.repeat(36)), new Map([['order.u32', Buffer.from('x')]]));
    writeFileSync(join(data.folder, 'seeds', userSetFile(newSetName('0'.repeat(64), 0))), 'x\n');
    writeFileSync(join(data.folder, 'seeds', 'half.tmp'), 'x');
    await store.close(); // as kill -9 would, without a word
    const again = await data.open();
    expect(await start(again)).toBeNull();
    expect(filesOf(data.folder)).toEqual(before);
    expect(Object.keys(before)[0]).toBe(`${kept}/order.u32`);
    expect(existsSync(join(data.folder, 'set-aside'))).toBe(false);
  });

  it('belongs to it wherever a change of the generation is interrupted', async () => {
    const { data, store } = await started();
    const generation = () =>
      (
        openDatabase(join(data.folder, 'metaheac.db')).prepare('SELECT generation FROM installation').get() as {
          generation: string;
        }
      ).generation;
    const campaignId = (await createReady(store)).split('/')[1]!;
    const before = filesOf(data.folder);
    const orphan = rankingFolder(campaignId, 'e'.repeat(36));
    const mark = (of: string, before: string | null) => {
      const [{ database }] = marksOf(data.folder).map((name) =>
        JSON.parse(readFileSync(join(data.folder, name), 'utf8')),
      );
      writeFileSync(
        join(data.folder, `store-${of}.json`),
        JSON.stringify({ contract: 1, database, generation: of, before }),
      );
    };
    const next = '0'.repeat(32);
    const cuts: ((of: string) => void | Promise<void>)[] = [
      (of) => mark(next, of), // the next mark is written, the database still has the old one
      (of) => mark(of, next), // the database has the next one, and the old mark is still there
      (of) => writeFileSync(join(data.folder, `store-${of}.json.tmp`), 'x'),
      async (of) => {
        // and once more, after an earlier interruption
        mark(next, of);
        await store.renewGeneration();
        mark('1'.repeat(32), generation());
      },
    ];
    for (const cut of cuts) {
      await cut(generation());
      if (cut === cuts[1]) mark(next, null);
      await store.blobs.publish(orphan, new Map([['order.u32', Buffer.from('x')]]));
      expect(await start(store)).toBeNull();
      expect(existsSync(join(data.folder, 'set-aside'))).toBe(false);
      expect(filesOf(data.folder)).toEqual(before);
      expect(marksOf(data.folder)).toEqual([`store-${generation()}.json`]);
    }
  });

  it('has another generation after a restore, with everything that was in the backup', async () => {
    const { data, store } = await started();
    await createReady(store);
    const [backup, to] = [join(temporaryFolder(), 'backup'), join(temporaryFolder(), 'restored')];
    await backUpDataFolder(data.folder, backup, { now: 0, copy: true });
    await restoreDataFolder(backup, to);
    expect(marksOf(to)).toHaveLength(1);
    expect(marksOf(to)).not.toEqual(marksOf(data.folder));
    // a whole data folder that was copied by other means also belongs to its database
    const copied = join(temporaryFolder(), 'copied');
    cpSync(to, copied, { recursive: true });
    const again = await openStore(copied, { clock: data.clock, minimumSeeds: 2, leaseMs: 1000, maximumAttempts: 3 });
    expect(await start(again)).toBeNull();
    expect(filesOf(copied)).toEqual(filesOf(data.folder));
    await again.close();
  });
});
