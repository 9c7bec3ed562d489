/** A process that publishes, imports or mirrors a population until it ends or is killed. */
import { untilRead } from '../../../../src/domain/ports/blobs.ts';
import { importPopulation } from '../../../../src/population/import.ts';
import { openPopulation } from '../../../../src/population/read.ts';
import { Mirror, PublishedPopulation, publishPopulation } from '../../../../src/population/share.ts';
import { FolderBlobFiles } from '../../../../src/storage/files/blob-files.ts';
import { FEATURES } from '../../support-features.ts';

const [, , what, storage, folder, source] = process.argv as unknown as [
  string,
  string,
  'publish' | 'mirror' | 'import',
  string,
  string,
  string,
];
const files = new FolderBlobFiles(storage);
const now = () => 0;

async function run(): Promise<void> {
  switch (what) {
    case 'publish':
      await publishPopulation(folder, files, null, { now });
      return;
    case 'import': {
      const out = new PublishedPopulation({ files, folder, limitBytes: 2 ** 40, now });
      await importPopulation({ source, features: FEATURES, out });
      return;
    }
    case 'mirror': {
      const mirror = await Mirror.open({ files, folder, limitBytes: 2 ** 40, now });
      (await mirror.take(mirror.newest!))();
      const population = openPopulation(folder, { version: mirror.newest! });
      for (let segment = 0; segment < population.segmentCount; segment++)
        await untilRead(() => population.readSegment(segment));
      mirror.close();
    }
  }
}

await run();
