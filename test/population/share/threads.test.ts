/** Threads that read a mirror, which fetches files while they wait. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPopulation, PopulationOpener, PopulationReviewer } from '../../../src/population/read.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { importUsers } from '../support.ts';
import { newStorage, openMirror, publish, rowsOf, segmentsIn, users } from './shared-support.ts';

/** Two segments. */
const MANY = 66_000;

async function published() {
  const { files } = newStorage();
  const out = join(temporaryFolder(), 'population');
  const { version } = await importUsers(join(temporaryFolder(), 'data'), out, users(0, MANY));
  await publish(out, files);
  return { files, out, version };
}

describe('a thread', () => {
  it('waits for the segments that it reads, while the event loop goes on', async () => {
    const { files, out, version } = await published();
    const mirror = await openMirror(files);
    (await mirror.take(version))();
    const [here, there] = [new PopulationReviewer(out), new PopulationReviewer(mirror.folder)];
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const uses = await there.uses(version);
    clearInterval(timer);
    expect(uses).toEqual(await here.uses(version));
    expect(turns).toBeGreaterThan(10);
    expect(segmentsIn(mirror.folder, version)).toHaveLength(2);
    await Promise.all([here.close(), there.close()]);
    mirror.close();
  });

  it('opens a version whose rows of users are missing', async () => {
    const { files, out, version } = await published();
    const mirror = await openMirror(files);
    const opener = new PopulationOpener();
    const opened = await opener.open(mirror.folder, version);
    expect(opened.directory.find('user-65999')).toBe(65_999);
    expect(await rowsOf(opened)).toEqual(await rowsOf(openPopulation(out)));
    await opener.close();
    mirror.close();
  });

  it('gets an error if a file cannot be fetched', async () => {
    const { files, version } = await published();
    const mirror = await openMirror(files);
    const reviewer = new PopulationReviewer(mirror.folder);
    files.before = () => {
      throw new Error('the storage does not answer');
    };
    await expect(reviewer.uses(version)).rejects.toThrow('cannot be fetched: the storage does not answer');
    files.before = () => {};
    expect(await reviewer.uses(version)).toHaveLength(2);
    await reviewer.close();
    mirror.close();
  });
});
