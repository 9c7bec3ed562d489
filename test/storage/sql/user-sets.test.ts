/** User sets of several processes: what one process records or removes never takes a file away that a row names. */
import { setTimeout } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { type Change, countSeeds, type SetOwner } from '../../../src/domain/user-sets.ts';
import { SEED_FOLDER, userSetFile } from '../../../src/storage/files/set-file.ts';
import { type NewSet, withSets } from '../../../src/storage/sql/set-files.ts';
import { assignSet } from '../../../src/storage/sql/set-rows.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { addCampaign, describeDialects, type Node as NodeOf } from './nodes.ts';

type Node = NodeOf<Database>;

const COMMON: SetOwner = { kind: 'common_suppression' };
const NO_COUNTS = {
  counts: countSeeds([], () => true).counts,
  weights: null,
  consentBasis: null,
  createdAt: 1,
  updatedAt: 1,
};
const EVERYONE = { version: 'p', has: () => true };

async function change({ userSets }: Node, owner: SetOwner, how: Change, ids: readonly string[]) {
  const collected = userSets.collect();
  try {
    for (const id of ids) collected.add(id);
    return await userSets.change(owner, how, collected, EVERYONE, 1_000);
  } finally {
    collected.close();
  }
}

async function read({ userSets, connection }: Node, owner: SetOwner): Promise<string[]> {
  const name = await userSets.find(owner);
  return name === null ? [] : withSets(connection.blobs, [name], async ([ids]) => [...ids!].flat());
}

/** Records a set as the installation's. */
async function record({ connection, database, files }: Node, set: NewSet): Promise<void> {
  await database.write(async (transaction) => {
    await files.record(transaction, set, connection.options.clock.now());
    await assignSet(transaction, COMMON, { name: set.name, ...NO_COUNTS }, 1);
  });
}

describeDialects('user sets of several processes', (newNodes) => {
  it('keep the ids that nodes add at the same time', async () => {
    const { open, blobs } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    const ids = nodes.map((_, n) => Array.from({ length: 4 }, (_, i) => `n${n} ${i}`));
    await Promise.all(
      nodes.map(async (node, n) => {
        for (const id of ids[n]!) await change(node, COMMON, 'add', [id]);
      }),
    );
    expect(await read(nodes[0]!, COMMON)).toEqual(ids.flat().sort());
    expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile((await nodes[0]!.userSets.find(COMMON))!)]);
  });

  it('never lose a file that a row names, while nodes record and remove the same sets', async () => {
    const { open, blobs } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    const owners: SetOwner[] = [COMMON];
    for (let i = 0; i < 2; i++) owners.push({ kind: 'suppression', campaignId: await addCampaign(nodes[0]!) });
    // few contents, so that each set is recorded by one owner while it is removed for another
    const contents = [['a'], ['b'], ['a', 'b']];
    let changes = 0;
    const run = async (node: Node, n: number) => {
      for (let i = 0; i < 25; i++) {
        const owner = owners[(n + i) % owners.length]!;
        if (i % 5 === 4) await node.userSets.clear(owner);
        else await change(node, owner, 'replace', contents[(n * 7 + i) % contents.length]!);
        changes += 1;
        for (const each of owners) await read(node, each).catch(async (error) => missing(node, each, error));
      }
    };
    await Promise.all([...nodes.map(run), run(nodes[0]!, 5)]);
    expect(changes).toBe(100);
    const rows = await nodes[0]!.database.all<{ sha256: string }>('SELECT sha256 FROM user_sets');
    const named = new Set(await Promise.all(owners.map((owner) => nodes[0]!.userSets.find(owner))));
    for (const { sha256 } of rows) expect(await blobs.hasFile(SEED_FOLDER, userSetFile(sha256))).toBe(true);
    expect(rows.map(({ sha256 }) => sha256).sort()).toEqual([...named].filter((one) => one !== null).sort());
    expect((await blobs.list(SEED_FOLDER)).sort()).toEqual(rows.map(({ sha256 }) => userSetFile(sha256)).sort());
  });

  it('are written again if they were published so long ago that they may have been removed', async () => {
    const { clock, open, blobs } = await newNodes();
    const [one, two] = [await open(), await open()];
    let writes = 0;
    const write = async () => {
      writes += 1;
      return { set: await one.files.write([['ann']]) };
    };
    const name = await one.files.keep(write, async ({ set }) => {
      await two.files.removeLeftovers();
      expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile(set.name)]);
      if (writes === 1) {
        clock.pass(25 * 3600 * 1000);
        await two.files.removeLeftovers();
        expect(await blobs.list(SEED_FOLDER)).toEqual([]);
      }
      await record(one, set);
      return set.name;
    });
    expect(writes).toBe(2);
    expect([await two.userSets.find(COMMON), await blobs.list(SEED_FOLDER)]).toEqual([name, [userSetFile(name)]]);
  });

  it('keep their files while another process is still removing the file of an equal set', async () => {
    const { open, blobs } = await newNodes();
    const [one, two] = [await open(), await open()];
    await change(two, COMMON, 'replace', ['ann']);
    const deleteFile = blobs.deleteFile.bind(blobs);
    const deleting = vi.spyOn(blobs, 'deleteFile').mockImplementationOnce(async (folder, file) => {
      await change(two, COMMON, 'replace', ['ann']);
      await deleteFile(folder, file);
    });
    await one.userSets.clear(COMMON);
    deleting.mockRestore();
    expect(await read(two, COMMON)).toEqual(['ann']);
    expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile((await two.userSets.find(COMMON))!)]);
  });

  it('are read anew if another process replaced them after their names were read', async () => {
    const { open, blobs } = await newNodes();
    const [{ userSets }, other] = [await open(), await open()];
    let version = 0;
    // of a population that nobody has counted, so that the file is opened
    const uncounted = () => ({ version: `${version++}`, has: (id: string) => id === 'b' });
    const dryRun = async () => {
      const collected = userSets.collect();
      collected.add('c');
      const { users } = await userSets.change(COMMON, 'add', collected, uncounted(), 1_000, { isDryRun: true });
      collected.close();
      return users;
    };
    const reads: readonly (readonly [read: () => Promise<unknown>, whole: unknown, cleared: unknown])[] = [
      [async () => (await userSets.report(COMMON, uncounted())).known, 1, 0],
      [async () => [...(await userSets.unknownOf(COMMON, uncounted()))].flat(), ['a'], []],
      [dryRun, 3, 1],
    ];
    for (const [read, whole, cleared] of reads) {
      await change(other, COMMON, 'replace', ['a', 'b']);
      expect(await read()).toEqual(whole);
      const openFile = blobs.open.bind(blobs);
      const opened = vi.spyOn(blobs, 'open').mockImplementationOnce(async (...file) => {
        await other.userSets.clear(COMMON);
        return openFile(...file);
      });
      expect(await read()).toEqual(cleared);
      expect(opened).toHaveBeenCalled();
      opened.mockRestore();
    }
  });

  it('keep their file if it is not known yet whether the transaction that recorded them was committed', async () => {
    const { open } = await newNodes();
    const [one, two] = [await open(), await open()];
    let removing: Promise<void> | null = null;
    await one.files.keep(
      async () => ({ set: await one.files.write([['ann']]) }),
      ({ set }) =>
        one.database.write(async (transaction) => {
          await one.files.record(transaction, set, 1);
          removing ??= two.files.removeUnnamed(set.name);
          await setTimeout(200);
          await assignSet(transaction, COMMON, { name: set.name, ...NO_COUNTS }, 1);
        }, 'readCommitted'),
    );
    await removing;
    expect(await read(one, COMMON)).toEqual(['ann']);
  });

  it('can be replaced if their file is lost, and read once it is back', async () => {
    const { open, blobs } = await newNodes();
    const node = await open();
    await change(node, COMMON, 'replace', ['ann']);
    const file = userSetFile((await node.userSets.find(COMMON))!);
    const bytes = await blobs.read(SEED_FOLDER, file);
    await blobs.deleteFile(SEED_FOLDER, file);
    const uncounted = { version: 'q', has: () => true };
    await expect(change(node, COMMON, 'add', ['bob'])).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(node.userSets.report(COMMON, uncounted)).rejects.toMatchObject({ code: 'storage_failed' });
    const writer = blobs.write(SEED_FOLDER);
    writer.write(bytes);
    await (await writer.finish()).publish(file);
    expect(await node.userSets.report(COMMON, uncounted)).toMatchObject({ known: 1 });
    await blobs.deleteFile(SEED_FOLDER, file);
    await change(node, COMMON, 'replace', ['bob']);
    expect(await read(node, COMMON)).toEqual(['bob']);
  });

  it('leave no file if the transaction that records them fails', async () => {
    const { open, blobs } = await newNodes();
    const node = await open();
    const write = async () => ({ set: await node.files.write([['ann']]) });
    const failing = node.files.keep(write, ({ set }) =>
      node.database.write(async (transaction) => {
        await node.files.record(transaction, set, 1);
        throw new Error('refused');
      }),
    );
    await expect(failing).rejects.toThrow('refused');
    expect(await blobs.list(SEED_FOLDER)).toEqual([]);
  });
});

/** A set may be replaced between finding its name and opening its file, but then its name has changed. */
async function missing({ userSets, connection }: Node, owner: SetOwner, error: unknown): Promise<void> {
  expect(error).toMatchObject({ facts: { errno: 'ENOENT' } });
  const name = await userSets.find(owner);
  if (name === null) return;
  const isThere = await connection.blobs.hasFile(SEED_FOLDER, userSetFile(name));
  if (!isThere) expect(await userSets.find(owner), 'a row names a file that does not exist').not.toBe(name);
}
