/** Two services on one population, each in a PID namespace of its own, as two containers with one volume. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { UserNumber } from '../../src/lib/brands.ts';
import { openPopulation } from '../../src/population/read.ts';
import { useFolders } from '../fixture/folders.ts';
import { describeInNamespaces } from '../fixture/namespaces.ts';
import { Served } from '../fixture/served.ts';
import { size } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { UNSHARE } from '../fixture/unshare.ts';

const newFolder = useFolders();
const world = await tinyWorld();
const ERASURES = size(40, 100);

describeInNamespaces('two services on one population', () => {
  it(`forget ${ERASURES} users whom either has erased, also after a restart`, { timeout: 240_000 }, async () => {
    const folder = newFolder();
    const population = join(folder, 'population');
    cpSync(world.population, population, { recursive: true });
    const { directory, erasures } = openPopulation(population);
    expect(erasures.count).toBe(0);
    const start = (name: string) =>
      Served.start({ dataDir: join(folder, name), model: world.model, population, within: UNSHARE });
    const services = await Promise.all(['one', 'two'].map(start));
    const idOf = (i: number) => (i % 2 === 0 ? directory.id(i as UserNumber) : `nobody-${i}`);
    const ids = Array.from({ length: ERASURES }, (_, i) => idOf(i));
    const statuses = await Promise.all(
      services.map(async (served, side) => {
        const seen: number[] = [];
        for (const [i, id] of ids.entries())
          if ((i >> 1) % 2 === side)
            seen.push((await served.call('DELETE', `/v1/users/${encodeURIComponent(id)}`)).status);
        return seen;
      }),
    );
    expect(new Set(statuses.flat())).toEqual(new Set([204]));
    for (const served of services) {
      served.killGroup();
      await served.exited();
    }
    const again = openPopulation(population);
    expect(again.erasures.count).toBe(ERASURES);
    expect(ids.filter((id) => again.directory.find(id) >= 0)).toEqual([]);
    // it ends before its folder goes
    const last = await start('one');
    last.killGroup();
    await last.exited();
  });
});
