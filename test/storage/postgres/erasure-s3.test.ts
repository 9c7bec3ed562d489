import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { newSetName, SEED_FOLDER, userSetFile } from '../../../src/storage/files/set-file.ts';
import { SetFilterBuilder } from '../../../src/storage/files/set-filter.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { openFiles } from '../../fixture/open-files.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { FaultyGate } from '../s3/faulty-gate.ts';
import { newS3, type TestStorage } from '../s3/storage.ts';
import { addCampaign, idsOf, type Node, newNodes, openNode, replace } from '../sql/nodes.ts';

const COMMON: SetOwner = { kind: 'common_suppression' };

let server: TestS3;
let gate: FaultyGate;
let storage: TestStorage;
beforeEach(async () => {
  server = await startOwnS3();
  gate = await FaultyGate.start(server.endpoint);
  storage = newS3(server);
});
afterEach(async () => {
  await gate.close();
  await server.close();
});

describeWithPostgres('the erasure of users from object storage', () => {
  it('is done again if a file could not be removed, and then removes it', async () => {
    const nodes = await newNodes();
    const { blobs } = storage();
    const gated = await openNode(nodes.url, nodes.clock, storage({ endpoint: gate.endpoint }).blobs);
    const other = await openNode(nodes.url, nodes.clock, blobs);
    await replace(other, COMMON, ['ann', 'bob']);
    await other.erasure.requestErasure(['bob']);
    gate.faultOf = ({ method }) => (method === 'DELETE' ? 'forbidden' : null);
    await expect(gated.erasure.eraseUsers(['bob'])).rejects.toMatchObject({ code: 'storage_failed' });
    const requested = await other.erasure.requestedErasures(9);
    expect([requested, (await blobs.list(SEED_FOLDER)).length]).toEqual([['bob'], 2]);
    await other.erasure.eraseUsers(requested);
    expect(await other.erasure.requestedErasures(9)).toEqual([]);
    expect(await blobs.list(SEED_FOLDER)).toEqual([userSetFile((await other.userSets.find(COMMON))!)]);
    expect(await idsOf(other, COMMON)).toEqual(['ann']);
  });

  it('calls the storage before and after its transaction, but never while it keeps others from writing', async () => {
    const nodes = await newNodes();
    const other = await openNode(nodes.url, nodes.clock, storage().blobs);
    const gated = await openNode(nodes.url, nodes.clock, storage({ endpoint: gate.endpoint }).blobs);
    await replace(other, COMMON, ['ann', 'bob']);
    const seen: unknown[] = [];
    gate.faultOf = async ({ method }) => {
      const locks = await other.database.all(
        `SELECT 1 FROM pg_locks WHERE relation = 'schema_steps'::regclass AND mode = 'ExclusiveLock' AND granted`,
      );
      seen.push([method, locks.length]);
      return null;
    };
    expect(await gated.erasure.eraseUsers(['bob'])).toMatchObject({ sets: 1 });
    expect(seen).toContainEqual(['PUT', 0]);
    expect(seen).toContainEqual(['DELETE', 0]);
    expect(seen.filter((one) => Array.isArray(one) && one[1] !== 0)).toEqual([]);
  });

  it('asks the storage for few of 10,000 sets', async () => {
    const nodes = await newNodes();
    const node = await openNode(nodes.url, nodes.clock, storage({ endpoint: gate.endpoint }).blobs);
    const owners: SetOwner[] = [COMMON, { kind: 'seeds', campaignId: await addCampaign(node) }];
    for (const [i, owner] of owners.entries()) await replace(node, owner, ['bob', `other ${i}`]);
    await addSets(node, 10_000);
    let requests = 0;
    gate.faultOf = () => {
      requests += 1;
      return null;
    };
    const begunAt = performance.now();
    expect(await node.erasure.eraseUsers(['bob'])).toMatchObject({ sets: 2 });
    const ms = performance.now() - begunAt;
    expect(requests).toBeLessThanOrEqual(20);
    // half a second on a busy machine
    expect(ms).toBeLessThan(2_500);
    for (const [i, owner] of owners.entries()) expect(await idsOf(node, owner)).toEqual([`other ${i}`]);
  });

  it('has only a few files open at one time, however many sets have the users', async () => {
    const nodes = await newNodes();
    const cacheFolder = temporaryFolder();
    const other = await openNode(nodes.url, nodes.clock, storage().blobs);
    const gated = await openNode(nodes.url, nodes.clock, storage({ endpoint: gate.endpoint, cacheFolder }).blobs);
    const owners: SetOwner[] = [];
    for (let i = 0; i < 24; i++) owners.push({ kind: 'suppression', campaignId: await addCampaign(other) });
    for (const [i, owner] of owners.entries()) await replace(other, owner, ['bob', `other ${i}`]);
    const open: number[] = [];
    gate.faultOf = ({ method }) => {
      if (method === 'PUT') open.push(spooledFiles(cacheFolder));
      return null;
    };
    expect(await gated.erasure.eraseUsers(['bob'])).toMatchObject({ sets: 24 });
    expect(open).toHaveLength(24);
    expect(Math.max(...open)).toBeLessThanOrEqual(4);
    expect(await idsOf(other, owners[23]!)).toEqual(['other 23']);
  });
});

/** Adds rows of sets with a hundred users each, but without files. */
async function addSets({ database }: Node, count: number): Promise<void> {
  const name: string[] = [];
  const filter: string[] = [];
  for (let i = 0; i < count; i++) {
    const users = new SetFilterBuilder();
    users.add(Array.from({ length: 100 }, (_, user) => `${i} ${user}`));
    name.push(newSetName(i.toString(16).padStart(64, '0'), 0));
    filter.push(await users.encode());
  }
  await database.run(
    `INSERT INTO user_sets (sha256, filter, users, size_bytes, created_at)
     SELECT list.*, 100, 0, 0 FROM ${database.dialect.tableOf({ name: 'text', filter: 'text' })}`,
    { name, filter },
  );
}

/** Number of files of this process that are being written in the folder of a cache. */
function spooledFiles(cacheFolder: string): number {
  return openFiles(join(cacheFolder, 'spool')).length;
}
