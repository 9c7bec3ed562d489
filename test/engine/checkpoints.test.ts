/** What a stop keeps of unfinished expansions, and what it leaves to be done again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
  const isKept = (name: string) => blobs.has(checkpointFolder('campaign', name));
  return { root, blobs, clock, keeper, isKept };
}

/** An expansion that begins. */
function begin(keeper: Checkpoints, expansionId: string, { key = 'key', device = 'cpu' } = {}) {
  const rows = { seeds: NO_ROWS, candidates: NO_ROWS, dismissed: NO_ROWS };
  const campaign = { features: {}, externalId: null, populationVersion: population.version };
  const task = { kind: 'customise', key, ...campaign, ...rows } as const;
  return keeper.begin({ job: { campaignId: 'campaign', expansionId }, population, task }, device);
}

const fail = (error: Error) => {
  throw error;
};

/** Keeps an expansion with a mark in its scores. */
function keepOne({ keeper, clock }: ReturnType<typeof newRoom>, change?: Partial<CheckpointDependencies>): void {
  const engine = keeper(change);
  const work = begin(engine, 'one');
  Object.assign(work, { customised: CUSTOMISED, batchSize: 1024 }).scores[3] = 0.5;
  clock.ms += 1000;
  expect(engine.saveAll(fail)).toBe(1);
}

describe('a stop', () => {
  it('keeps what took long enough and has its model, over any number of stops', () => {
    const { keeper, clock, isKept } = newRoom();
    const engine = keeper();
    const [long, unadapted, ended] = ['long', 'unadapted', 'ended'].map((name) => begin(engine, name));
    clock.ms += 600;
    const short = begin(engine, 'short');
    for (const work of [long!, ended!, short]) work.customised = CUSTOMISED;
    engine.end(ended!);
    clock.ms += 400;
    expect(unadapted!.customised).toBeNull();
    expect(engine.saveAll(fail)).toBe(1);
    expect(['long', 'unadapted', 'ended', 'short'].filter(isKept)).toEqual(['long']);
    const next = keeper();
    expect(begin(next, 'long')).toEqual(long);
    expect(isKept('long')).toBe(false);
    expect(next.saveAll(fail)).toBe(1);
    expect(isKept('long')).toBe(true);
  });

  it('keeps nothing that the disk has no room for, nor what comes too late: the longest is first', () => {
    const { keeper, clock, isKept } = newRoom();
    let asked = 0;
    const hasRoom = (bytes: number) => {
      clock.ms += 1300;
      asked = bytes;
      return bytes < 5_000_000;
    };
    const engine = keeper({ hasRoom });
    for (const name of ['first', 'second', 'third', 'fourth']) {
      begin(engine, name).customised = CUSTOMISED;
      clock.ms += 1000;
    }
    expect(engine.saveAll(fail)).toBe(2);
    expect(asked).toBe(4 * population.directory.size + 3);
    expect(['first', 'second', 'third', 'fourth'].map(isKept)).toEqual([true, true, false, false]);
    const full = keeper({ hasRoom: () => false });
    begin(full, 'fifth').customised = CUSTOMISED;
    clock.ms += 1000;
    expect([full.saveAll(fail), isKept('fifth')]).toEqual([0, false]);
  });

  it('goes on with the others where one cannot be written', () => {
    const { root, keeper, clock, isKept } = newRoom();
    const engine = keeper({
      // the disk goes wrong after the question
      hasRoom: () => true,
    });
    begin(engine, 'one').customised = CUSTOMISED;
    clock.ms += 1000;
    writeFileSync(join(root, 'audiences'), 'a file where a folder should be');
    const errors: string[] = [];
    expect(engine.saveAll(({ code }) => errors.push(code))).toBe(0);
    expect([errors, isKept('one')]).toEqual([['storage_failed'], false]);
  });
});

describe('what a stop kept', () => {
  it('is used once, by the same expansion', () => {
    const room = newRoom();
    keepOne(room);
    expect(begin(room.keeper(), 'another').customised).toBeNull();
    expect(begin(room.keeper(), 'one').scores[3]).toBe(0.5);
    expect(begin(room.keeper(), 'one').customised).toBeNull();
  });

  it.each([
    ['other inputs', { key: 'another' }, {}],
    ['another device', { device: 'cuda:0' }, {}],
    ['another version of the service', {}, { computedBy: 'later tests' }],
  ])('is removed unused by an attempt with %s', (_, inputs, change) => {
    const room = newRoom();
    keepOne(room);
    const work = begin(room.keeper(change), 'one', inputs);
    expect([work.customised, work.scores[3], room.isKept('one')]).toEqual([null, Number.NaN, false]);
  });

  it('is removed unused where it is damaged, or its file is gone', () => {
    const room = newRoom();
    const file = join(room.root, checkpointFolder('campaign', 'one'), 'work.bin');
    keepOne(room);
    writeFileSync(file, readFileSync(file).subarray(1));
    expect(begin(room.keeper(), 'one').customised).toBeNull();
    expect(room.isKept('one')).toBe(false);
    room.blobs.publish(checkpointFolder('campaign', 'one'), new Map());
    expect(begin(room.keeper(), 'one').customised).toBeNull();
    expect(room.isKept('one')).toBe(false);
  });
});
