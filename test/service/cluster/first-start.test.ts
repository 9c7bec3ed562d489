/** What the first node of a cluster settles: its versions, and which database the object storage belongs to. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireOwnBlobs } from '../../../src/storage/blob-mark.ts';
import { FolderBlobFiles } from '../../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { writeVariant } from '../../fixture/model-variants.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { users } from '../../population/share/shared-support.ts';
import { importUsers } from '../../population/support.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const world = await tinyWorld();
const given = { model: world.model, population: world.population };

let cluster: TestCluster;
const sharedFiles = () => new FolderBlobFiles(join(fileURLToPath(cluster.blobs), 'shared'));

describeWithPostgres('the first start of a cluster', () => {
  beforeAll(async () => {
    cluster = await openCluster(openPostgres());
    await cluster.startNode(given);
  });
  afterAll(() => cluster?.close());

  it('marks the object storage, which no process with another database may use', async () => {
    const store = await openPostgres();
    const belongs = { code: 'invalid_argument', message: expect.stringContaining('belongs to another cluster') };
    await expect(cluster.startNode({ ...given, store })).rejects.toMatchObject(belongs);
    await expect(cluster.startEngine({ store })).rejects.toMatchObject(belongs);
    const mark = await sharedFiles().find('cluster.json');
    expect(JSON.parse(Buffer.from(mark!.data).toString())).toMatchObject({
      database: expect.stringMatching(/^\w{32}$/),
    });
  });

  it('binds the database to the object storage, so that another one is refused even if it has the versions', async () => {
    const blobs = pathToFileURL(join(temporaryFolder(), 'blobs')).href;
    const lost = { code: 'invalid_argument', message: expect.stringContaining('it lacks shared/cluster.json') };
    await expect(cluster.startNode({ ...given, blobs })).rejects.toMatchObject(lost);
    await expect(cluster.startEngine({ blobs })).rejects.toMatchObject(lost);
  });

  it('settles the versions: a model and a population that are given later change nothing', async () => {
    const [source, population] = [join(temporaryFolder(), 'source'), join(temporaryFolder(), 'population')];
    // the user numbers of this population are not those of the published one
    await importUsers(source, population, users(0, 500));
    const variant = join(temporaryFolder(), 'second');
    writeVariant(world.model, variant, () => ({ name: 'second' }));
    const before = await sharedFiles().list('');
    const node = await cluster.startNode({ model: variant, population });
    expect((await fetch(`${node.url}/readyz`)).status).toBe(200);
    expect(await sharedFiles().list('')).toEqual(before);
  });

  it('leaves a damaged mark alone, and says so', async () => {
    const files = new FolderBlobFiles(temporaryFolder());
    await files.put('cluster.json', Buffer.from('{"database":'));
    await expect(requireOwnBlobs(files, 'x')).rejects.toMatchObject({
      ...{ code: 'storage_failed', message: expect.stringContaining('is damaged') },
    });
  });
});
