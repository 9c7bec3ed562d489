/** The user side: equal scores whether it is made, stored or read, and never a file that does not fit. */
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { OnlineContext } from '../../src/online/online-context.ts';
import { openScorer, type ScoredCampaign, type Scorer } from '../../src/online/scoring/score.ts';
import { UserSideFiles } from '../../src/online/user-side/user-side-files.ts';
import { makeRoom } from '../../src/online/user-side/user-side-folders.ts';
import { userSideGraphs } from '../../src/online/user-side/user-side-graphs.ts';
import type { Population, Rows } from '../../src/population/read.ts';
import { tinyGraph } from '../model/tiny-model.ts';
import { closeContext, HEADS_CONFIG, headsContext, sampleHeadsUsers } from './heads-world.ts';
import { openWorld, type World } from './world.ts';

const USERS = 2500;
const ADAPTED = [HEADS.wide, HEADS.query, HEADS.bias, HEADS.scale];
const EVERYTHING = Number.POSITIVE_INFINITY;

let world: World;
let heads: OnlineContext;
let population: Population;
let scorer: Scorer;
let rows: Rows;
beforeAll(async () => {
  world = await openWorld(100);
  heads = await headsContext(world.root, sampleHeadsUsers(USERS));
  population = heads.population as Population;
  scorer = await openScorer({ ...heads.model, binding: heads.binding });
  rows = population.readSegment(0);
});
afterAll(async () => {
  await scorer.close();
  await closeContext(heads);
  await world.close();
});

/** Opened anew, so that files are read again. */
const openFiles = () =>
  new UserSideFiles(population, { version: 'model', layout: scorer.userSides!.layout, bits: 'here' });

/** Parameters that differ by name. */
function campaign(name: string, adapted: readonly string[] = heads.model.adapted): ScoredCampaign {
  const { model } = heads;
  const rng = createRng(name);
  const moved = adapted.map((parameter): [string, Tensor] => {
    const { data, ...type } = model.graph.initializers.get(parameter)!;
    return [parameter, { ...type, data: Float32Array.from(data as Float32Array, (x) => x + rng.normal()) }];
  });
  return { features: { topic: name }, parameters: new Map(moved) };
}

/** The only file of a folder of user sides. */
function onlyFile(): string {
  const version = join(population.path, population.version);
  const folder = join(version, readdirSync(version).find((name) => name.startsWith('user-side-model-'))!);
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.users'))!);
}

describe('userSideGraphs', () => {
  it('keeps a few numbers per user of a model whose heads are adapted', () => {
    const { graphs, ...verdict } = userSideGraphs(tinyGraph(HEADS_CONFIG), ADAPTED) as Extract<
      ReturnType<typeof userSideGraphs>,
      { readonly width: number }
    >;
    const { experts, critics, embedding } = HEADS_CONFIG;
    expect(verdict).toMatchObject({ width: experts * critics + embedding + 1 });
    expect(verdict.saved).toBeGreaterThan(0.5);
    expect(
      graphs.users!.inputs.filter(
        (name) => name.startsWith('campaign.') || (ADAPTED as readonly string[]).includes(name),
      ),
    ).toEqual([]);
    expect(graphs.head.inputs.filter((name) => name.startsWith('user.'))).toEqual([]);
  });

  it('has none if the graph takes the features of the campaign once per user', () => {
    const graph = tinyGraph(HEADS_CONFIG);
    const values = new Map(graph.values);
    const [batch] = values.get('user.age')!.shape;
    values.set('campaign.topic', { ...values.get('campaign.topic')!, shape: [batch!] });
    expect(userSideGraphs({ ...graph, values }, ADAPTED)).toMatchObject({
      reason: 'the graph takes the features of the campaign once per user',
    });
  });

  it('says why a model whose parameters are all adapted has none', () => {
    const { graph, adapted } = world.context.model;
    expect(userSideGraphs(graph, adapted)).toEqual({
      graphs: null,
      reason: expect.stringMatching(/^users alone determine only \d+ % of the products and look-ups$/),
    });
  });
});

describe('scores with the user side', () => {
  it('are within 1e-6 of those of the whole graph', async () => {
    const whole = await openScorer({ ...heads.model, binding: heads.binding }, { withUserSide: false });
    for (const name of ['topic 1', 'topic 2']) {
      const [scores, others] = [await scorer.score(rows, campaign(name)), await whole.score(rows, campaign(name))];
      expect(Math.max(...scores.map((score, i) => Math.abs(score - others[i]!)))).toBeLessThan(1e-6);
      expect(Math.max(...scores) - Math.min(...scores)).toBeGreaterThan(0.1);
    }
    await whole.close();
  });

  it('are those of the whole graph whatever is adapted besides, or the model has no user side', async () => {
    const { model, binding } = heads;
    const outcomes = new Set<boolean>();
    for (const name of model.graph.initializers.keys()) {
      const adapted = [...new Set([...model.adapted, name])];
      const { parameters, features } = campaign('topic 1', adapted);
      const own = await openScorer({ ...model, binding, adapted });
      const whole = await openScorer({ ...model, binding, adapted }, { withUserSide: false });
      const [scores, others] = [
        await own.score(rows, { parameters, features }),
        await whole.score(rows, { parameters, features }),
      ];
      outcomes.add(own.userSides !== null);
      expect(Math.max(...scores.map((score, i) => Math.abs(score - others[i]!)))).toBeLessThan(1e-6);
      await own.close();
      await whole.close();
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });

  it('have equal bits if it is made, stored and read', async () => {
    const made = await scorer.userSides!.make(rows);
    const files = openFiles();
    files.write(0, made, EVERYTHING);
    for (const name of ['topic 1', 'topic 2']) {
      const computed = await scorer.score(rows, campaign(name));
      const side = files.read(0)!;
      expect(side.userNumbers).toEqual(rows.userNumbers);
      expect(await scorer.userSides!.score(side, campaign(name), () => rows)).toEqual(computed);
    }
    rmSync(onlyFile());
  });
});

describe('UserSideFiles', () => {
  it('finds nothing that is missing, damaged, cut off or of another model', async () => {
    const files = openFiles();
    expect(files.read(0)).toBeNull();
    files.write(0, await scorer.userSides!.make(rows), EVERYTHING);
    const path = onlyFile();
    const bytes = readFileSync(path);
    for (const at of [0, 9, 13, 40, bytes.length >> 1, bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1;
      writeFileSync(path, flipped);
      expect(files.read(0)).toBeNull();
      expect(files.has(0)).toBe(false);
    }
    writeFileSync(path, bytes.subarray(0, 1000));
    expect(files.read(0)).toBeNull();
    writeFileSync(path, '');
    expect(files.read(0)).toBeNull();
    writeFileSync(path, bytes);
    const { layout } = scorer.userSides!;
    // another model, and a processor that rounds differently
    const there = new UserSideFiles(population, { version: 'model', layout, bits: 'there' });
    expect([there.has(0), there.read(0)]).toEqual([false, null]);
    expect(there.names).not.toEqual(files.names);
    const other = new UserSideFiles(population, { version: 'other', layout, bits: 'here' });
    expect([other.has(0), other.read(0)]).toEqual([false, null]);
    other.write(0, await scorer.userSides!.make(rows), EVERYTHING);
    const version = join(population.path, population.version);
    const folder = join(version, readdirSync(version).find((name) => name.startsWith('user-side-other-'))!);
    copyFileSync(join(folder, readdirSync(folder).find((name) => name.endsWith('.users'))!), path);
    expect(files.read(0)).toBeNull();
  });

  it('writes no file beyond the limit, and makes room for those that are served', async () => {
    const made = await scorer.userSides!.make(rows);
    const files = openFiles();
    files.write(0, made, EVERYTHING);
    const { size } = statSync(onlyFile());
    rmSync(onlyFile());
    expect(files.write(0, made, size - 1)).toBeNull();
    expect(files.has(0)).toBe(false);
    // the other model has a file of this size
    expect(files.write(0, made, 2 * size)).toBe(size);
    const kept = { version: population.version, model: 'model' };
    expect(makeRoom(population.path, kept, 2 * size)).toBe(0);
    expect(makeRoom(population.path, kept, size)).toBe(0);
    expect(readdirSync(join(population.path, population.version)).filter((name) => name.startsWith('user-'))).toEqual([
      expect.stringMatching(/^user-side-model-/),
    ]);
  });
});
