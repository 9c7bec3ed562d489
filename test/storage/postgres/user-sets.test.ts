/** User sets of several nodes: what one node records or removes never takes a file away that a row names. */
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Blobs } from '../../../src/domain/ports/blobs.ts';
import { type Change, countSeeds, type SetOwner } from '../../../src/domain/user-sets.ts';
import { SEED_FOLDER, userSetFile } from '../../../src/storage/files/set-file.ts';
import { writeBlocks } from '../../../src/storage/files/writer.ts';
import { type NewSet, withSets } from '../../../src/storage/postgres/users/set-files.ts';
import { assignSet, insertSet } from '../../../src/storage/postgres/users/set-rows.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { addCampaign, type Node, newNodes, openNode } from './nodes.ts';

const COMMON: SetOwner = { kind: 'common_suppression' };
const NO_COUNTS = { counts: countSeeds([], () => true).counts, createdAt: 1, updatedAt: 1 };
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

describeWithPostgres('user sets of several nodes', () => {
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
      await two.userSets.removeLeftovers();
      expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile(set.name)]);
      if (writes === 1) {
        clock.pass(25 * 3600 * 1000);
        await two.userSets.removeLeftovers();
        expect(await blobs.list(SEED_FOLDER)).toEqual([]);
      }
      await record(one, set);
      return set.name;
    });
    expect(writes).toBe(2);
    expect([await two.userSets.find(COMMON), await blobs.list(SEED_FOLDER)]).toEqual([name, [userSetFile(name)]]);
  });

  it('keep their files while another node is still removing the file of an equal set', async () => {
    const { url, clock, open, blobs } = await newNodes();
    const gate = Promise.withResolvers<void>();
    const deleting = Promise.withResolvers<void>();
    const slowBlobs: Blobs = Object.assign(Object.create(blobs), {
      deleteFile: async (folder: string, file: string) => {
        deleting.resolve();
        await gate.promise;
        await blobs.deleteFile(folder, file);
      },
    });
    const [one, two] = [await openNode(url, clock, slowBlobs), await open()];
    await change(two, COMMON, 'replace', ['ann']);
    const clearing = one.userSets.clear(COMMON);
    await deleting.promise;
    await change(two, COMMON, 'replace', ['ann']);
    gate.resolve();
    await clearing;
    expect(await read(two, COMMON)).toEqual(['ann']);
    expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile((await two.userSets.find(COMMON))!)]);
  });

  it('of stores that named each file by its contents can be read, replaced and removed', async () => {
    const { open, blobs } = await newNodes();
    const node = await open();
    const set = await writeBlocks(blobs, [['ann', 'bob']]);
    await set.publish();
    await node.database.write(async (transaction) => {
      await insertSet(transaction, { name: set.sha256, users: 2, sizeBytes: 8 }, 1);
      await assignSet(transaction, COMMON, { name: set.sha256, ...NO_COUNTS }, 1);
    });
    await node.userSets.removeLeftovers();
    expect(await read(node, COMMON)).toEqual(['ann', 'bob']);
    await change(node, COMMON, 'remove', ['bob']);
    expect(await read(node, COMMON)).toEqual(['ann']);
    expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile((await node.userSets.find(COMMON))!)]);
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

  it('can be replaced if their file is lost', async () => {
    const { open, blobs } = await newNodes();
    const node = await open();
    await change(node, COMMON, 'replace', ['ann']);
    await blobs.deleteFile(SEED_FOLDER, userSetFile((await node.userSets.find(COMMON))!));
    await expect(change(node, COMMON, 'add', ['bob'])).rejects.toMatchObject({ code: 'storage_failed' });
    await change(node, COMMON, 'replace', ['ann']);
    expect(await read(node, COMMON)).toEqual(['ann']);
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
