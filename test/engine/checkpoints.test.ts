/** What a stop keeps of unfinished expansions, and what it leaves to be done again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Blobs } from '../../src/domain/ports/blobs.ts';
import { checkpointFolder } from '../../src/domain/ranking-name.ts';
import { type CheckpointDependencies, Checkpoints } from '../../src/engine/expansion/checkpoints.ts';
import { openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const population = openPopulation((await tinyWorld()).population);
const NO_ROWS = new Int32Array(0);
const CUSTOMISED = { customised: Uint8Array.of(1, 2, 3), epochs: 1, quality: null, prediction: null };

function newRoom() {
  const root = temporaryFolder();
  const blobs = new FileBlobs(root);
  const clock = { ms: 0, elapsed: () => clock.ms };
  const given = { hasRoom: () => true, clock, keptWorkMs: 1000, computedBy: 'these tests' };
  const keeper = (change: Partial<CheckpointDependencies> = {}) => new Checkpoints({ blobs, ...given, ...change });
  /** The names of those that have a checkpoint. */
  const kept = async (...names: string[]) => {
    const has = await Promise.all(names.map((name) => blobs.has(checkpointFolder('campaign', name))));
    return names.filter((_, i) => has[i]);
  };
  return { root, blobs, clock, keeper, kept };
}

/** An expansion that begins. */
function begin(keeper: Checkpoints, expansionId: string, { key = 'key', device = 'cpu' } = {}) {
  const rows = { seeds: NO_ROWS, candidates: NO_ROWS, dismissed: NO_ROWS, negativeWeight: 1 };
  const campaign = { features: {}, externalId: null, category: null, populationVersion: population.version };
  const task = { kind: 'customise', key, ...campaign, ...rows } as const;
  return keeper.begin({ job: { campaignId: 'campaign', expansionId }, population, task }, device);
}

const fail = (error: Error) => {
  throw error;
};

/** Keeps an expansion with a mark in its scores. */
async function keepOne(
  { keeper, clock }: ReturnType<typeof newRoom>,
  change?: Partial<CheckpointDependencies>,
): Promise<void> {
  const engine = keeper(change);
  const work = await begin(engine, 'one');
  Object.assign(work, { customised: CUSTOMISED, batchSize: 1024 }).scores[3] = 0.5;
  clock.ms += 1000;
  expect(await engine.saveAll(fail)).toBe(1);
}

describe('a stop', () => {
  it('keeps what took long enough and has its model, over any number of stops', async () => {
    const { keeper, clock, kept } = newRoom();
    const engine = keeper();
    const [long, unadapted, ended] = await Promise.all(
      ['long', 'unadapted', 'ended'].map((name) => begin(engine, name)),
    );
    clock.ms += 600;
    const short = await begin(engine, 'short');
    for (const work of [long!, ended!, short]) work.customised = CUSTOMISED;
    engine.end(ended!);
    clock.ms += 400;
    expect(unadapted!.customised).toBeNull();
    expect(await engine.saveAll(fail)).toBe(1);
    expect(await kept('long', 'unadapted', 'ended', 'short')).toEqual(['long']);
    const next = keeper();
    expect(await begin(next, 'long')).toEqual(long);
    expect(await kept('long')).toEqual([]);
    expect(await next.saveAll(fail)).toBe(1);
    expect(await kept('long')).toEqual(['long']);
  });

  it('keeps nothing that the disk has no room for, nor what comes too late: the longest is first', async () => {
    const { keeper, clock, kept } = newRoom();
    let asked = 0;
    const hasRoom = (bytes: number) => {
      clock.ms += 1300;
      asked = bytes;
      return bytes < 5_000_000;
    };
    const engine = keeper({ hasRoom });
    for (const name of ['first', 'second', 'third', 'fourth']) {
      (await begin(engine, name)).customised = CUSTOMISED;
      clock.ms += 1000;
    }
    expect(await engine.saveAll(fail)).toBe(2);
    expect(asked).toBe(4 * population.directory.size + 3);
    expect(await kept('first', 'second', 'third', 'fourth')).toEqual(['first', 'second']);
    const full = keeper({ hasRoom: () => false });
    (await begin(full, 'fifth')).customised = CUSTOMISED;
    clock.ms += 1000;
    expect([await full.saveAll(fail), await kept('fifth')]).toEqual([0, []]);
  });

  it('goes on with the others where one cannot be written', async () => {
    const { root, keeper, clock, kept } = newRoom();
    const engine = keeper({
      // the disk goes wrong after the question
      hasRoom: () => true,
    });
    (await begin(engine, 'one')).customised = CUSTOMISED;
    clock.ms += 1000;
    writeFileSync(join(root, 'audiences'), 'a file where a folder should be');
    const errors: string[] = [];
    expect(await engine.saveAll(({ code }) => errors.push(code))).toBe(0);
    expect([errors, await kept('one')]).toEqual([['storage_failed'], []]);
  });
});

describe('what a stop kept', () => {
  it('is used once, by the same expansion', async () => {
    const room = newRoom();
    await keepOne(room);
    expect((await begin(room.keeper(), 'another')).customised).toBeNull();
    expect((await begin(room.keeper(), 'one')).scores[3]).toBe(0.5);
    expect((await begin(room.keeper(), 'one')).customised).toBeNull();
  });

  it.each([
    ['other inputs', { key: 'another' }, {}],
    ['another device', { device: 'cuda:0' }, {}],
    ['another version of the service', {}, { computedBy: 'later tests' }],
  ])('is removed unused by an attempt with %s', async (_, inputs, change) => {
    const room = newRoom();
    await keepOne(room);
    const work = await begin(room.keeper(change), 'one', inputs);
    expect([work.customised, work.scores[3], await room.kept('one')]).toEqual([null, Number.NaN, []]);
  });

  it('is removed unused where it is damaged, or its file is gone', async () => {
    const room = newRoom();
    const file = join(room.root, checkpointFolder('campaign', 'one'), 'work.bin');
    await keepOne(room);
    writeFileSync(file, readFileSync(file).subarray(1));
    expect((await begin(room.keeper(), 'one')).customised).toBeNull();
    expect(await room.kept('one')).toEqual([]);
    await room.blobs.publish(checkpointFolder('campaign', 'one'), new Map());
    expect((await begin(room.keeper(), 'one')).customised).toBeNull();
    expect(await room.kept('one')).toEqual([]);
  });
});

describe('a checkpoint in a store that answers late', () => {
  /** Blobs whose removals wait for `passed`, and the order of what happens. */
  function lateBlobs(blobs: Blobs, passed: Promise<void>) {
    const events: string[] = [];
    const late: CheckpointDependencies['blobs'] = {
      open: (folder, file) => blobs.open(folder, file),
      read: (folder, file) => blobs.read(folder, file),
      has: (folder) => blobs.has(folder),
      hasFile: (folder, file) => blobs.hasFile(folder, file),
      write: (folder) => blobs.write(folder),
      list: (folder) => blobs.list(folder),
      deleteFile: (folder, file) => blobs.deleteFile(folder, file),
      deleteUnused: (folders) => blobs.deleteUnused(folders),
      async publish(folder, files) {
        events.push('saved');
        await blobs.publish(folder, files);
      },
      async delete(folder) {
        events.push('removing');
        await passed;
        await blobs.delete(folder);
        events.push('removed');
      },
    };
    return { late, events };
  }

  it('is saved again by a stop during its removal, after the removal', async () => {
    const room = newRoom();
    await keepOne(room);
    const { promise: passed, resolve: pass } = Promise.withResolvers<void>();
    const { late, events } = lateBlobs(room.blobs, passed);
    const next = room.keeper({ blobs: late });
    const beginning = begin(next, 'one');
    await expect.poll(() => events).toEqual(['removing']);
    const saving = next.saveAll(fail);
    await nextTurn();
    expect(events).toEqual(['removing']);
    pass();
    expect(await saving).toBe(1);
    await beginning;
    expect([events, await room.kept('one')]).toEqual([['removing', 'removed', 'saved'], ['one']]);
  });

  it('stays where it is if the engine is stopped before its contents are known', async () => {
    const room = newRoom();
    await keepOne(room);
    const { late, events } = lateBlobs(room.blobs, Promise.resolve());
    const next = room.keeper({ blobs: late });
    const beginning = begin(next, 'one');
    expect(await next.saveAll(fail)).toBe(0);
    await beginning;
    expect([events, await room.kept('one')]).toEqual([[], ['one']]);
  });

  it('is not saved for an expansion that ended while another was saved', async () => {
    const { keeper, clock, blobs, kept } = newRoom();
    const { late } = lateBlobs(blobs, Promise.resolve());
    const engine = keeper({
      blobs: {
        ...late,
        async publish(folder, files) {
          await blobs.publish(folder, files);
          engine.end(second);
        },
      },
    });
    (await begin(engine, 'first')).customised = CUSTOMISED;
    clock.ms += 1;
    const second = await begin(engine, 'second');
    second.customised = CUSTOMISED;
    clock.ms += 2000;
    expect([await engine.saveAll(fail), await kept('first', 'second')]).toEqual([1, ['first']]);
  });
});
