/** Numbers and vectors in training: scales, and methods outside the graph that see what the graph sees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbers } from '../../packages/lab/scenarios/numbers.ts';
import { writeScenario } from '../../packages/lab/scenarios/scenario.ts';
import { sliceFeeds } from '../../packages/onnx-grad/index.ts';
import { missingBand } from '../../src/model/architectures/feature-inputs.ts';
import { HEADS, latentMap } from '../../src/model/architectures/heads.ts';
import { bind } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { openRegressionReader } from '../../src/online/regression/regression-reader.ts';
import { buildOneHot, type OneHot, tokensAlone, withoutColumns } from '../../src/training/history/one-hot.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { createInitialModel, type InitialModel } from '../../src/training/meta/initial-model.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const data = temporaryFolder();
let prepared: PreparedDataSet;
let model: InitialModel;
let oneHot: OneHot;

beforeAll(async () => {
  await writeScenario({ ...numbers, users: 400, trainCampaigns: 4, testCampaigns: 2 }, { out: data, seed: '1' });
  prepared = await prepareDataSet(data, { pastCampaigns: true });
  model = createInitialModel(prepared, prepared.history.campaigns, DEFAULT_TRAIN_SETTINGS);
  oneHot = buildOneHot(prepared.population, prepared.userFeatures);
});
afterAll(() => prepared.close());

describe('scales', () => {
  it('are computed from the users who have a value', () => {
    const { columns } = prepared.population.readSegment(0);
    for (const { name, kind, scale } of prepared.userFeatures) {
      const column = columns.get(name)!;
      if (!('values' in column)) {
        expect(scale).toBeUndefined();
        continue;
      }
      const first = Array.from(column.values).filter((value, i) => i % column.size === 0 && !Number.isNaN(value));
      const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
      const variance = first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / first.length;
      expect(first.length).toBeLessThan(400);
      expect(scale!.means[0]).toBeCloseTo(mean, 2);
      expect(scale!.deviations[0]! / Math.sqrt(variance)).toBeCloseTo(1, 3);
      expect(scale!.edges.length).toBe(kind === 'vector' ? 0 : scale!.edges.length);
      if (kind === 'number') expect(scale!.edges.length).toBeGreaterThan(2);
    }
  });

  it('are in the manifest as edges, and campaigns have their own', () => {
    const { user, campaign } = model.folder.manifest.features;
    const age = user.find(({ name }) => name === 'age')!;
    expect(age).toMatchObject({ kind: 'number', missing: null });
    expect('edges' in age && age.edges).toEqual(prepared.userFeatures.find(({ name }) => name === 'age')!.scale!.edges);
    expect(user.find(({ name }) => name === 'embedding')).toEqual({
      ...{ name: 'embedding', kind: 'vector', size: 24, missing: null },
    });
    expect(campaign).toMatchObject([{ name: 'price', kind: 'number' }]);
  });
});

describe('buildOneHot', () => {
  it('has the columns and values that the graph looks up', async () => {
    const { population } = prepared;
    const binding = bind(model.folder, population);
    const rows = population.readSegment(0);
    const feeds = encodeUsers(model.graph, binding, rows);
    const reader = await openRegressionReader(model.graph, HEADS.regression);
    const read = await reader.read(rows.count, (from, to) => sliceFeeds(feeds, from, to));
    await reader.close();
    expect(read.width).toBe(oneHot.width);
    for (let row = 0; row < rows.count; row++) {
      const user = rows.userNumbers[row]!;
      const [begin, end] = [oneHot.offsets[user]!, oneHot.offsets[user + 1]!];
      const own = new Map<number, number>();
      let squares = 0;
      for (let i = begin; i < end; i++) {
        const value = oneHot.values![i]!;
        squares += value ** 2;
        if (value !== 0) own.set(oneHot.tokens[i]!, value);
      }
      const length = Math.sqrt(Math.max(squares, 1));
      const seen = new Map<number, number>();
      for (let k = read.starts[row]!; k < read.starts[row + 1]!; k++) seen.set(read.columns[k]!, read.values[k]!);
      expect([...seen.keys()].sort((a, b) => a - b)).toEqual([...own.keys()].sort((a, b) => a - b));
      for (const [column, value] of own) expect(seen.get(column)!).toBeCloseTo(value / length, 4);
    }
  });

  it('gives a missing number a band of its own and no value, a missing vector nothing', () => {
    const { population, userFeatures } = prepared;
    const { userNumbers, columns } = population.readSegment(0);
    const age = columns.get('age')!;
    const row = 'values' in age ? age.values.findIndex(Number.isNaN) : -1;
    expect(row).toBeGreaterThanOrEqual(0);
    const user = userNumbers[row]!;
    const own = oneHot.tokens.subarray(oneHot.offsets[user]!, oneHot.offsets[user + 1]!);
    const { scale } = userFeatures.find(({ name }) => name === 'age')!;
    const missing = missingBand(scale!);
    expect(own).toContain(missing);
    expect(own).not.toContain(missing + 1);
  });

  it('keeps bands and leaves numbers out for methods that read tokens only', () => {
    const tokens = tokensAlone(oneHot);
    expect(tokens.values).toBeUndefined();
    const numbersOut = oneHot.tokens.filter((token) => oneHot.isNumber![token] === 1).length;
    expect(numbersOut).toBeGreaterThan(400 * 20);
    expect(tokens.tokens.length).toBe(oneHot.tokens.length - numbersOut);
    const isOut = new Uint8Array(oneHot.width);
    isOut[oneHot.tokens[0]!] = 1;
    const less = withoutColumns(oneHot, isOut);
    expect(less.values!.length).toBe(less.tokens.length);
    expect(less.tokens).not.toContain(oneHot.tokens[0]!);
  });
});

describe('the latent map of a vector', () => {
  it('starts at principal components: uncorrelated over the users, variance 1 together', () => {
    const { population, userFeatures } = prepared;
    const map = model.graph.initializers.get(latentMap('embedding'))!;
    const [size, rank] = map.shape as [number, number];
    const { means, deviations } = userFeatures.find(({ name }) => name === 'embedding')!.scale!;
    const column = population.readSegment(0).columns.get('embedding')!;
    const values = 'values' in column ? column.values : new Float32Array(0);
    const projected: number[][] = [];
    for (let from = 0; from < values.length; from += size) {
      if (Number.isNaN(values[from]!)) continue;
      const standard = Array.from({ length: size }, (_, i) =>
        Math.max(-4, Math.min(4, (values[from + i]! - means[i]!) / deviations[i]!)),
      );
      projected.push(
        Array.from({ length: rank }, (_, j) =>
          standard.reduce((sum, x, i) => sum + x * (map.data[i * rank + j] as number), 0),
        ),
      );
    }
    const product = (a: number, b: number) =>
      projected.reduce((sum, row) => sum + row[a]! * row[b]!, 0) / projected.length;
    const variances = Array.from({ length: rank }, (_, j) => product(j, j));
    expect(variances.reduce((sum, x) => sum + x, 0) / rank).toBeCloseTo(1, 3);
    expect(variances).toEqual([...variances].sort((a, b) => b - a));
    expect(Math.abs(product(0, 1))).toBeLessThan(1e-3 * variances[0]!);
  });
});
