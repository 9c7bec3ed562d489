/** The served value over random histories of switches: one at a time, some of which fail, and never a mix. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { type ServedNow, ServedState } from '../../src/service/served/served-state.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const SEED = `${process.pid}-${systemClock.now()}`;
const SWITCHES = 200;

const world = await tinyWorld();
const folder = readModelFolder(world.model);
const opened = openPopulation(world.population);
const modelOf = (version: string) => ({ ...folder, path: `/${version}`, manifest: { ...folder.manifest, version } });
const populationOf = (version: string): Population =>
  new Proxy(opened, { get: (target, name) => (name === 'version' ? version : Reflect.get(target, name)) });
const versionsOf = ({ model, population }: ServedNow) => [model.version, population.version];

describe('ServedState', () => {
  it(`is replaced as a whole by one switch at a time (seed ${SEED})`, async () => {
    const rng = createRng(SEED);
    const served = new ServedState(modelOf('m0'), populationOf('p0'));
    const seen: ServedNow[] = [served.now];
    served.onReplaced((now, before) => {
      expect(before).toBe(seen.at(-1));
      expect(now).toBe(served.now);
      seen.push(now);
    });
    let replaced = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: SWITCHES }, async (_, i) => {
        await turns(rng);
        await served.exclusively(async () => {
          const before = served.now;
          const [model, population] = versionsOf(before);
          await turns(rng);
          // whatever else was asked meanwhile
          expect(served.now).toBe(before);
          if (i % 5 === 0) throw new Error('refused');
          const isModel = rng.uniform() < 0.5;
          served.replace(isModel ? { model: modelOf(`m${i}`) } : { population: populationOf(`p${i}`) });
          replaced += 1;
          expect(versionsOf(served.now)).toEqual(isModel ? [`m${i}`, population] : [model, `p${i}`]);
          expect(versionsOf(before)).toEqual([model, population]);
        });
      }),
    );
    const failures = outcomes.filter((one) => one.status === 'rejected').map(({ reason }) => (reason as Error).message);
    expect(failures).toEqual(Array.from({ length: SWITCHES / 5 }, () => 'refused'));
    expect(seen.map(({ epoch }) => epoch)).toEqual(Array.from({ length: replaced + 1 }, (_, i) => i + 1));
    const { epoch, model, population } = served.now;
    expect(served.forEngine).toEqual({
      epoch,
      model: { version: model.version, folder: `/${model.version}` },
      populationVersion: population.version,
    });
  });
});

async function turns(rng: Rng): Promise<void> {
  for (let i = rng.integer(6); i > 0; i--) await setImmediate();
}
