/**
 * Sets of seeds and suppressed users: none is lost or left behind, whatever other processes do and whenever they are
 * killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { userSetBlocks } from '../../../src/storage/files/set-file.ts';
import { openDatabase, write } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { size } from '../../fixture/size.ts';
import { migratedDataFolder } from './data-folder.ts';

const common: SetOwner = { kind: 'common_suppression' };
const population = { version: 'p', has: everyoneIsKnown };

async function start(folder: string, how: 'swap' | 'add'): Promise<ChildProcess> {
  const path = fileURLToPath(new URL('./children/change-sets.ts', import.meta.url));
  const child = spawn(process.execPath, [path, folder, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

/** The ids of a set. */
function readUserSet(folder: string, sha256: string): string[] {
  return [...userSetBlocks(new FileBlobs(folder), sha256)].flat();
}

const filesOf = (folder: string) => readdirSync(join(folder, 'seeds')).sort();

/**
 * Checks that every recorded set has an intact file; returns the files. In a transaction, because files only change
 * in transactions.
 */
function expectWhole(folder: string): readonly string[] {
  const database = openDatabase(join(folder, 'metaheac.db'));
  try {
    return write(database, () => {
      const recorded = database.prepare('SELECT sha256 FROM user_sets ORDER BY sha256').pluck().all() as string[];
      for (const sha256 of recorded) readUserSet(folder, sha256);
      return recorded.map((sha256) => `${sha256}.txt`);
    });
  } finally {
    database.close();
  }
}

describe('UserSets', () => {
  it('never loses a file that another process stops using while it is recorded here', {
    timeout: 60_000,
  }, async () => {
    const { folder, open } = migratedDataFolder();
    const store = await open();
    const { id } = await store.create(newCampaign(), everyoneIsKnown);
    const owner: SetOwner = { kind: 'suppression', campaignId: id };
    for (let round = 0; round < size(2, 3); round++) {
      const child = await start(folder, 'swap');
      for (let i = 0; i < size(25, 60); i++) {
        await change(store.userSets, owner, 'replace', [`set ${i % 2}`]);
        expectWhole(folder);
        if (i % 5 === 0) await store.userSets.clear(owner);
      }
      child.kill('SIGKILL');
      await once(child, 'close');
      await store.userSets.removeLeftovers();
      expect(filesOf(folder)).toEqual(expectWhole(folder));
    }
  });

  it('keeps ids that two processes add at the same time', { timeout: 60_000 }, async () => {
    const { folder, open } = migratedDataFolder();
    const { userSets } = await open();
    const child = await start(folder, 'add');
    const ended = once(child, 'close');
    for (let i = 0; i < 40; i++) await change(userSets, common, 'add', [`parent ${i}`]);
    expect((await ended)[0]).toBe(0);
    expect(await userSets.report(common, population)).toMatchObject({ users: 80, received: 80, duplicate: 0 });
  });

  it('reads anew what another process replaced after its name was read', async () => {
    const { open } = migratedDataFolder();
    const [{ userSets }, other] = [await open(), await open()];
    let version = 0;
    // of a population that nobody has counted, so that the file is opened
    const uncounted = () => ({ version: `${version++}`, has: (id: string) => id === 'b' });
    const dryRun = async () => {
      const collected = userSets.collect();
      collected.add('c');
      const { users } = await userSets.change(common, 'add', collected, uncounted(), 1_000, { isDryRun: true });
      collected.close();
      return users;
    };
    const reads: readonly (readonly [read: () => Promise<unknown>, whole: unknown, cleared: unknown])[] = [
      [async () => (await userSets.report(common, uncounted())).known, 1, 0],
      [async () => [...(await userSets.unknownOf(common, uncounted()))].flat(), ['a'], []],
      [dryRun, 3, 1],
    ];
    for (const [read, whole, cleared] of reads) {
      await change(userSets, common, 'replace', ['a', 'b']);
      expect(await read()).toEqual(whole);
      const { open: openFile } = FileBlobs.prototype;
      const opened = vi.spyOn(FileBlobs.prototype, 'open').mockImplementationOnce(function (this: FileBlobs, ...file) {
        void other.userSets.clear(common); // runs at once
        return openFile.apply(this, file);
      });
      expect(await read()).toEqual(cleared);
      expect(opened).toHaveBeenCalled();
      opened.mockRestore();
    }
  });

  it('removes leftovers of killed processes at a start, and nothing that is recorded', async () => {
    const { folder, open } = migratedDataFolder();
    const store = await open();
    await store.userSets.removeLeftovers(); // no folder yet
    await change(store.userSets, common, 'replace', ['a']);
    const kept = filesOf(folder);
    writeFileSync(join(folder, 'seeds', `${'0'.repeat(64)}.txt`), 'a file that got its name before a crash\n');
    writeFileSync(join(folder, 'seeds', 'x.tmp'), 'half a file');
    writeFileSync(join(folder, 'seeds', 'notes.md'), "somebody's own");
    await store.userSets.removeLeftovers();
    expect(filesOf(folder)).toEqual([...kept, 'notes.md'].sort());
  });

  it('recovers if a file was gone for a while', async () => {
    const { folder, open } = migratedDataFolder();
    const { userSets } = await open();
    await change(userSets, common, 'replace', ['a']);
    const [file] = filesOf(folder);
    const path = join(folder, 'seeds', file!);
    const bytes = readFileSync(path);
    rmSync(path);
    const next = { version: 'q', has: everyoneIsKnown };
    await expect(userSets.report(common, next)).rejects.toThrow(expect.objectContaining({ code: 'storage_failed' }));
    writeFileSync(path, bytes);
    expect(await userSets.report(common, next)).toMatchObject({ known: 1 });
  });
});
