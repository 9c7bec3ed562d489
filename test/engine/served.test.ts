/** Whatever is switched while expansions begin, each pins a model and a population that were served together. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isEnd } from '../../src/domain/states.ts';
import { Engine, type EngineDependencies } from '../../src/engine/engine.ts';
import { Checkpoints } from '../../src/engine/expansion/checkpoints.ts';
import { Pace } from '../../src/engine/expansion/work-time.ts';
import { Pulse } from '../../src/engine/heartbeat.ts';
import type { EngineConfig, EngineServed } from '../../src/engine/messages.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createLogger } from '../../src/lib/logging.ts';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { locateStore, openStore } from '../../src/storage/open-store.ts';
import { dataFolder } from '../fixture/folders.ts';
import { size } from '../fixture/size.ts';

const SEED = `${process.pid}-${systemClock.now()}`;
const HISTORIES = size(5, 20);
const STEPS = 60;
/** Turns of the event loop that it takes at most to load a model. */
const TURNS = 12;
const LIMITS = { minimumSeeds: 1, leaseMs: 60_000, maximumAttempts: 1000 };

async function turns(rng: Rng, most = TURNS): Promise<void> {
  for (let i = rng.integer(most); i >= 0; i--) await setImmediate();
}

/** They load as slowly as threads do, and open no population: an expansion ends once it has pinned its versions. */
function slowModels(rng: Rng): EngineDependencies['models'] {
  return {
    broken: new Promise<never>(() => {}),
    isAdapting: false,
    has: () => true,
    take: async (version: string) => {
      await turns(rng);
      const openPopulation = async () => {
        await turns(rng);
        throw new AppError('invalid_population', 'there are no files');
      };
      return { version, sha256: '', openPopulation, pool: null as never };
    },
    giveBack() {},
    closeAllUnused() {},
    prefetch: async () => () => {},
  } satisfies EngineDependencies['models'];
}

const nameOf = ({ model, populationVersion }: EngineServed) => `${model.version} ${populationVersion}`;

async function runHistory(rng: Rng): Promise<void> {
  const locator = locateStore(dataFolder());
  const store = await openStore(locator, { clock: systemClock, ...LIMITS });
  let served: EngineServed = { epoch: 1, model: { version: 'm0', folder: 'm0' }, populationVersion: 'p0' };
  const existed = new Set([nameOf(served)]);
  const ids: string[] = [];
  let engine: { readonly owner: string; readonly of: Engine } | null = null;
  const startEngine = () => {
    const owner = `1:${ids.length}-${served.epoch}-${rng.uint32()}`;
    const models = slowModels(rng);
    const dependencies: EngineDependencies = {
      ...{ store, models, served: () => served, minimumSeeds: 1, clock: systemClock, pace: new Pace() },
      keeper: new Checkpoints({
        ...{ blobs: store.blobs, hasRoom: () => true, clock: systemClock, keptWorkMs: 0, computedBy: 'test' },
      }),
      hasRoom: () => true,
      onStoreError: () => {},
    };
    const config = { ownerId: owner, threads: 2, leaseMs: LIMITS.leaseMs, expands: true } as EngineConfig;
    const tell = { onExpanded() {}, onWorking() {}, pulse: new Pulse(systemClock, () => {}), tracer: null };
    const of = new Engine(config, dependencies, createLogger('silent', 'test'), tell);
    void of.run();
    engine = { owner, of };
  };
  const restart = async () => {
    engine!.of.drain();
    engine!.of.wake();
    await store.releaseOwner(engine!.owner, rng.uniform() < 0.5 ? 'died' : 'stopped');
    startEngine();
  };
  const serve = (change: Partial<EngineServed>) => {
    served = { ...served, ...change, epoch: served.epoch + 1 };
    existed.add(nameOf(served));
    engine!.of.servedChanged();
  };
  const actions = [
    async () => {
      const features = { features: {}, featureCounts: { unknown: 0, missing: 0 } };
      ids.push((await store.create({ name: 'one', ...features, seeds: ['a'], audience: { size: 1 } }, () => true)).id);
      engine!.of.wake();
    },
    () => {
      const version = `m${rng.integer(40)}`;
      serve({ model: { version, folder: version } });
    },
    () => serve({ populationVersion: `p${rng.integer(40)}` }),
    restart,
  ];
  startEngine();
  const begun: unknown[] = [];
  for (let step = 0; step < STEPS; step++) {
    begun.push(actions[rng.uniform() < 0.1 ? 3 : rng.integer(3)]!());
    await turns(rng, 6);
  }
  await Promise.all(begun);
  for (const id of ids)
    while (!isEnd((await store.get(id)).state!)) {
      engine!.of.wake();
      await setImmediate();
    }
  engine!.of.drain();
  expect(ids.length).toBeGreaterThan(3);
  for (const id of ids) {
    const { modelVersion, populationVersion } = await store.expansion(id, (await store.get(id)).expansionId!);
    expect([...existed]).toContain(`${modelVersion} ${populationVersion}`);
  }
  await store.close();
}

describe('what is served', () => {
  it(`is pinned as one, in random histories of switches, restarts and expansions (seed ${SEED})`, async () => {
    for (let i = 0; i < HISTORIES; i++) await runHistory(createRng(`${SEED}/${i}`));
  });
});
