/**
 * The regression of a model on a population: its sums, its sample, what it leaves out, and the cache file of the
 * sums.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { GeneralModel } from '../../src/model/load.ts';
import { type Binding, bind, withoutTokens } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { type OwnToken, ownToken } from '../../src/online/own-token.ts';
import { openBoundRegression, type RegressionOptions } from '../../src/online/regression/bound-regression.ts';
import { addRows, type ColumnSums, emptySums } from '../../src/online/regression/covariance.ts';
import { fitSideBySide, populationRegression } from '../../src/online/regression/population-regression.ts';
import { RowProducts } from '../../src/online/regression/products.ts';
import { readSums, writeSums } from '../../src/online/regression/regression-cache.ts';
import { meanOfRows, multiplySparseRows, type SparseRows } from '../../src/online/regression/sparse-rows.ts';
import { PAST_CAMPAIGNS, type Population } from '../../src/population/read.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { newFolder } from '../fixture/folders.ts';
import { furthest, sparseOf } from '../onnx-grad/descent/dense.ts';
import { headsModel, headsPopulation, sampleHeadsUsers } from './heads-world.ts';
import { modelOf, newRoot, type User } from './world.ts';

const WIDTH = 15;
const FIRST = { age: 0, tags: 5, [PAST_CAMPAIGNS]: 11 } as const;
const SETTINGS = { ...DEFAULT_DESCENT.regression!, strength: 0.05, power: 0.125 };
/** The campaign's rows: most rows, in no order. */
const ROWS = Int32Array.from({ length: 120 }, (_, i) => (i * 7) % 200);
const POSITIVES = Int32Array.of(0, 3, 4, 50, 51, 52, 119);

let root = '';
let model: GeneralModel;
let population: Population;
let binding: Binding;

beforeAll(async () => {
  root = newRoot();
  model = await headsModel(root, { regression: SETTINGS });
  population = await headsPopulation(root, sampleHeadsUsers(200));
  binding = bind(model.folder, population);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** 1 / sqrt(n) for each of the n tokens that the model knows, of the users in these rows; without `campaign`'s. */
function byHand(users: readonly User[], of: Population, rows: Int32Array, campaign = ''): SparseRows {
  const { userNumbers } = of.readRows(rows);
  const entries = Array.from(userNumbers, (number) => {
    const user = users[Number(of.directory.id(number).slice(5))]!;
    const elements = [
      FIRST.age + Number(String(user['age']).slice(4)),
      ...(user['tags'] as string[]).map((tag) => FIRST.tags + Number(tag.slice(5))),
      ...(user[PAST_CAMPAIGNS] as string[])
        .filter((token) => token !== campaign)
        .map((token) => Number(token.slice(PAST_CAMPAIGNS.length)))
        .filter((id) => id <= 3)
        .map((id) => FIRST[PAST_CAMPAIGNS] + id),
    ];
    const counts = new Map<number, number>();
    for (const element of elements) counts.set(element, (counts.get(element) ?? 0) + 1 / Math.sqrt(elements.length));
    return [...counts];
  });
  return sparseOf(entries, WIDTH);
}

const allRows = (of: Population) => Int32Array.from({ length: of.rowCount }, (_, row) => row);

function sumsByHand(users: readonly User[], of: Population): ColumnSums {
  const sums = emptySums(WIDTH);
  addRows(sums, byHand(users, of, allRows(of)));
  return sums;
}

/** The weights of the seeds among `own`, compared with everybody. */
function fitByHand(everybody: SparseRows, sums: ColumnSums, own: SparseRows): Float64Array {
  const products = new RowProducts(everybody);
  const { plan } = populationRegression(products, sums, SETTINGS.power);
  const planned = plan(meanOfRows(own, POSITIVES), POSITIVES.length, [SETTINGS.strength]);
  return fitSideBySide(products, [planned])[0]![0]!;
}

/** The change in the scores of the campaign's users. */
async function changeOf(options: RegressionOptions = {}, without: OwnToken | null = null, own = binding) {
  const bound = await openBoundRegression({ model, population, binding: own }, options);
  const users = encodeUsers(model.graph, own, population.readRows(ROWS), { without });
  const campaign = await bound!.forUsers(users, ROWS.length, without, null);
  const [change] = campaign.fit(POSITIVES, [SETTINGS]);
  await bound!.close();
  return { change: change!, campaign };
}

function expectFit({ change }: Awaited<ReturnType<typeof changeOf>>, expected: Float64Array, rows: SparseRows): void {
  const size = Math.max(...expected.map(Math.abs));
  expect(size).toBeGreaterThan(0.01);
  expect(change.parameter).toBe(HEADS.regression);
  expect(furthest(change.elements, [...expected])).toBeLessThan(1e-5 * size);
  expect(furthest(change.own, [...multiplySparseRows(rows, expected)])).toBeLessThan(1e-5 * size);
}

describe('openBoundRegression', () => {
  const users = sampleHeadsUsers(200);

  it('fits the seeds against everybody, and returns the change for each user', async () => {
    const everybody = byHand(users, population, allRows(population));
    const rows = byHand(users, population, ROWS);
    const expected = fitByHand(everybody, sumsByHand(users, population), rows);
    expectFit(await changeOf(), expected, rows);
  });

  it('takes off-diagonal entries from evenly spread users when there are more features than its limit', async () => {
    const sums = sumsByHand(users, population);
    const features = sums.counts.reduce((a, b) => a + b, 0);
    // a quarter of the features: every fourth user
    const spread = Int32Array.from({ length: 50 }, (_, i) => 4 * i);
    const rows = byHand(users, population, ROWS);
    const expected = fitByHand(byHand(users, population, spread), sums, rows);
    const sampled = await changeOf({ mostFeatures: features / 4 });
    expectFit(sampled, expected, rows);
    const whole = await changeOf({ mostFeatures: features });
    expect(whole.change).toEqual((await changeOf()).change);
    expect(furthest(sampled.change.elements, [...whole.change.elements])).toBeGreaterThan(1e-3);
    // one user at least
    expect((await changeOf({ mostFeatures: 0 })).change.elements.every(Number.isFinite)).toBe(true);
  });

  it("leaves a campaign's own token out: the fit is that of rows without its column", async () => {
    const campaign = `${PAST_CAMPAIGNS} 2`;
    const element = FIRST[PAST_CAMPAIGNS] + 2;
    const everybody = byHand(users, population, allRows(population));
    const bare = sparseOf(
      Array.from({ length: population.rowCount }, (_, row) =>
        Array.from(everybody.columns.subarray(everybody.starts[row]!, everybody.starts[row + 1]!), (column, k) => ({
          column,
          value: everybody.values[everybody.starts[row]! + k]!,
        }))
          .filter(({ column }) => column !== element)
          .map(({ column, value }): [number, number] => [column, value]),
      ),
      WIDTH,
    );
    const sums = emptySums(WIDTH);
    addRows(sums, bare);
    const rows = byHand(users, population, ROWS, campaign);
    const expected = fitByHand(bare, sums, rows);
    const without = ownToken(model.folder, campaign);
    const left = await changeOf({}, without);
    expectFit(left, expected, rows);
    expect(left.change.elements[element]).toBe(0);
    expect((await changeOf()).change.elements[element]).not.toBe(0);
  });

  it('leaves nothing out for a token that nobody has', async () => {
    const before = withoutTokens(binding, PAST_CAMPAIGNS, new Set([2]));
    const own = ownToken(model.folder, `${PAST_CAMPAIGNS} 2`);
    expect((await changeOf({}, own, before)).change).toEqual((await changeOf({}, null, before)).change);
    expect((await changeOf({}, null, before)).change).not.toEqual((await changeOf()).change);
  });

  it('fits the same seeds once for each setting, and other seeds separately', async () => {
    const { campaign, change } = await changeOf();
    const fitOf = (positives: Int32Array, settings = SETTINGS) => campaign.fit(positives, [settings])[0]!;
    expect(fitOf(POSITIVES)).toBe(change);
    expect(fitOf(POSITIVES, { ...SETTINGS, weight: 4 })).toBe(change);
    for (const settings of [
      { ...SETTINGS, strength: 0.1 },
      { ...SETTINGS, power: 0 },
    ])
      expect(fitOf(POSITIVES, settings).elements).not.toEqual(change.elements);
    expect(fitOf(POSITIVES.slice())).toEqual(change);
    expect(fitOf(Int32Array.of(1, 2)).elements).not.toEqual(change.elements);
  });

  it('prepares several sets at once with the same bits as one after the other, and does not fit them again', async () => {
    const settings = [SETTINGS, { ...SETTINGS, strength: 0.5 }, { ...SETTINGS, power: 0 }];
    const others = { inside: Int32Array.of(20, 21, 22), outside: Int32Array.of(30, 31), share: 0.5 };
    const sets = [
      { positives: POSITIVES.slice(), others: null },
      { positives: Int32Array.of(1, 2, 8), others: null },
      { positives: Int32Array.of(1, 2, 9), others },
    ];
    const { campaign } = await changeOf();
    const expected = sets.map((set) => campaign.fit(set.positives, settings, set.others));
    const prepared = (await changeOf()).campaign;
    // one of them is fitted already
    const [known] = prepared.fit(sets[1]!.positives, [settings[1]!]);
    prepared.prepare(sets, settings);
    const compared = sets.map(({ positives }) => prepared.fit(positives, settings, null));
    expect(compared).toEqual(expected);
    expect(compared[1]![1]).toBe(known);
    prepared.prepare(sets, settings);
    for (const [i, { positives }] of sets.entries())
      for (const [k, change] of prepared.fit(positives, settings).entries()) expect(change).toBe(compared[i]![k]);
    // those of the last set are compared with others; a new fit would not be
    expect(prepared.fit(sets[2]!.positives.slice(), settings)).not.toEqual(expected[2]);
  });

  it('is null for a model without a regression', async () => {
    for (const own of [await headsModel(root), await modelOf(root)])
      expect(await openBoundRegression({ model: own, population, binding })).toBeNull();
  });

  it('adds up the sums over segments', async () => {
    const many = sampleHeadsUsers(66_000);
    const large = await headsPopulation(root, many);
    expect(large.segmentCount).toBe(2);
    const cache = join(root, 'large.sums');
    const bound = await openBoundRegression(
      { model, population: large, binding: bind(model.folder, large) },
      { cache, mostFeatures: 1000 },
    );
    await bound!.close();
    const sums = readSums(cache, WIDTH, large.rowCount)!;
    const expected = sumsByHand(many, large);
    expect([sums.rows, sums.counts]).toEqual([66_000, expected.counts]);
    for (const each of ['sums', 'squares'] as const)
      sums[each].forEach((x, t) => {
        expect(Math.abs(x - expected[each][t]!), `${each} ${t}`).toBeLessThan(1e-6 * (1 + expected[each][t]!));
      });
  });
});

describe('the cache of sums', () => {
  const newPath = () => join(newFolder(root), 'own.sums');
  const SUMS: ColumnSums = {
    rows: 7,
    counts: Float64Array.of(1, 2, 3),
    sums: Float64Array.of(0.5, 1 / 3, 0),
    squares: Float64Array.of(0.25, 1e-300, 4),
  };

  it('returns what was written', () => {
    const path = newPath();
    writeSums(path, SUMS);
    expect(readSums(path, 3, 7)).toEqual(SUMS);
    writeSums(path, { ...SUMS, counts: Float64Array.of(9, 9, 9) });
    expect(readSums(path, 3, 7)!.counts).toEqual(Float64Array.of(9, 9, 9));
  });

  it('returns nothing when the file is missing, truncated, altered or of another size', () => {
    const path = newPath();
    expect(readSums(path, 3, 7)).toBeNull();
    writeSums(path, SUMS);
    expect(readSums(path, 4, 7)).toBeNull();
    const bytes = readFileSync(path);
    const altered = Buffer.from(bytes);
    altered[40]! ^= 1;
    for (const other of [bytes.subarray(0, -1), bytes.subarray(0, 16), Buffer.alloc(0), altered]) {
      writeFileSync(path, other);
      expect(readSums(path, 3, 7)).toBeNull();
    }
    writeFileSync(path, bytes);
    expect(readSums(path, 3, 7)).toEqual(SUMS);
  });

  it('is left out when the folder cannot be written', async () => {
    const file = newPath();
    writeFileSync(file, 'no folder');
    const cache = join(file, 'own.sums');
    expect(() => writeSums(cache, SUMS)).not.toThrow();
    expect((await changeOf({ cache })).change).toEqual((await changeOf()).change);
    expect(readFileSync(file, 'utf8')).toBe('no folder');
  });

  it('is read instead of the population, and written again when it is unusable', async () => {
    const cache = newPath();
    const { change } = await changeOf({ cache });
    const { ino, size } = statSync(cache);
    expect(size).toBe(32 + 3 * WIDTH * 8);
    expect((await changeOf({ cache })).change).toEqual(change);
    expect(statSync(cache).ino).toBe(ino);
    // the contents of the file are trusted
    const sums = readSums(cache, WIDTH, population.rowCount)!;
    writeSums(cache, { ...sums, sums: sums.sums.map((x) => 2 * x) });
    expect((await changeOf({ cache })).change.elements).not.toEqual(change.elements);
    writeFileSync(cache, readFileSync(cache).subarray(0, 100));
    expect((await changeOf({ cache })).change).toEqual(change);
    expect(readSums(cache, WIDTH, population.rowCount)).toEqual(sums);
  });
});
