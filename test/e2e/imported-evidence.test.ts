/** An imported model is adapted where held-out seeds say that it helps, and used as it is where it would harm. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder, tensor, writeModel } from '../../packages/onnx-grad/index.ts';
import { modelImportCommand } from '../../src/cli/commands/model/import.ts';
import { createRng } from '../../src/lib/rng.ts';
import { importPopulation } from '../../src/population/import.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';

const USERS = 2000;
const CITIES = 100;
const SEEDS = 40;

/** The weight of a city in the taste that members share: they like the campaign with probability sigmoid(weight - 2). */
const tastes = Array.from({ length: CITIES + 1 }, (_, city) => 2 * createRng(`city/${city}`).normal());
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

interface User {
  readonly user_id: string;
  readonly city: string;
  readonly isFan: boolean;
}
const users = Array.from({ length: USERS }, (_, i): User => {
  const rng = createRng(`user/${i}`);
  const city = 1 + rng.integer(CITIES);
  return { user_id: `u${i}`, city: String(city), isFan: rng.uniform() < sigmoid(tastes[city]! - 2) };
});
const fans = users.filter(({ isFan }) => isFan);
const seeds = fans.slice(0, SEEDS).map(({ user_id }) => user_id);
const isSeed = new Set(seeds);

/** score = sigmoid(weight of the user's city). */
function modelOf(weights: readonly number[]): Uint8Array {
  const b = new Builder();
  const city = b.input('user.city', 'int64', ['batch']);
  const table = b.initializer('table', tensor('float32', [CITIES + 1, 1], Array.from(weights)));
  const row = b.add('Gather', [table, city], { axis: 0 });
  const flat = b.add('Reshape', [row, b.ints([-1])], {});
  return writeModel(b.build('model', [b.add('Sigmoid', [flat], {}, { name: 'head', outputs: ['score'] })]));
}

const root = temporaryFolder();
let population = '';
const opened: StartedService[] = [];

beforeAll(async () => {
  const data = join(root, 'data');
  mkdirSync(data);
  const features = { user_features: [{ name: 'city', kind: 'single' }], campaign_features: [] };
  writeFileSync(join(data, 'dataset.json'), JSON.stringify({ name: 'cities', ...features }));
  const lines = users.map(({ user_id, city }) => `${JSON.stringify({ user_id, city })}\n`);
  writeFileSync(join(data, 'users.ndjson'), lines.join(''));
  population = join(root, 'population');
  await importPopulation({ source: data, features: [{ name: 'city', kind: 'single' }], out: population });
});
afterAll(async () => {
  for (const service of opened) await service.close();
});

const silent = () => ({ result: () => {}, note: () => {}, progress: () => {} });

interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

interface Expanded {
  readonly quality: {
    readonly epochs: number;
    readonly held_out: { readonly held_out_seeds: number; readonly auc: number } | null;
    readonly prediction: { readonly verdict: string; readonly reason: string; readonly auc: Interval | null };
  };
  /** Of fans who are no seeds, in the audience of everyone. */
  readonly auc: number;
  readonly scores: ReadonlyMap<string, number>;
}

/** Imports the model, serves it, and makes the campaign's audience of everyone. */
async function expandWith(name: string, weights: readonly number[], adaptation: object): Promise<Expanded> {
  const [file, schema, model] = ['onnx', 'json', 'model'].map((end) => join(root, `${name}.${end}`)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, modelOf(weights));
  const features = { user: [{ name: 'city', kind: 'single', vocabulary_size: CITIES + 1 }], campaign: [] };
  writeFileSync(schema, JSON.stringify({ name, features, adaptation }));
  await modelImportCommand(file, { schema, out: model }, silent());
  const service = await startReadyService({ dataDir: join(root, `${name}-data`), model, population });
  opened.push(service);
  const body = { name, features: {}, seeds, audience: { percent: 100 } };
  const { id, state, quality } = await service.ended((await service.call('POST', '/v1/campaigns', body)).json.id);
  expect(state).toBe('ready');
  const headers = { accept: 'application/x-ndjson' };
  const text = await (await fetch(`${service.url}/v1/campaigns/${id}/audience`, { headers })).text();
  const members = text.trimEnd().split('\n');
  const scores = new Map(
    members.map((line) => JSON.parse(line)).map(({ user_id, score }) => [user_id as string, score as number]),
  );
  return { quality, auc: aucOf((user) => scores.get(user.user_id)!), scores };
}

function aucOf(score: (user: User) => number): number {
  const ranked = users.filter(({ user_id }) => !isSeed.has(user_id));
  const labels = Uint8Array.from(ranked, ({ isFan }) => (isFan ? 1 : 0));
  return measureRanking(Int32Array.from(ranked.keys()), Float32Array.from(ranked, score), labels).auc;
}

/** A prediction counts among all candidates, of whom fans are some. */
function expectToHold({ low, high }: Interval, auc: number): void {
  const share = (fans.length - SEEDS) / (USERS - SEEDS);
  const amongAll = share / 2 + (1 - share) * auc;
  expect(amongAll).toBeGreaterThanOrEqual(low);
  expect(amongAll).toBeLessThanOrEqual(high);
  expect(high - low).toBeLessThan(0.35);
}

const unadapted = (weights: readonly number[]) => aucOf(({ city }) => weights[Number(city)]!);

describe('an imported model and 40 seeds', { timeout: 120_000 }, () => {
  it('is used unadapted if adapting it would harm, and the report says so', async () => {
    const harm = { rate: 5, epochs: 4 };
    const judged = await expandWith('knows', tastes, harm);
    expect(judged.quality.epochs).toBe(0);
    for (const { user_id, city } of users)
      if (!isSeed.has(user_id))
        expect(Math.abs(judged.scores.get(user_id)! - sigmoid(tastes[Number(city)]!))).toBeLessThan(1e-6);
    expect(judged.auc).toBeCloseTo(unadapted(tastes), 6);
    expect(judged.quality.held_out!.held_out_seeds).toBe(SEEDS);
    const { auc, reason, verdict } = judged.quality.prediction;
    expect(verdict).toBe('good');
    expectToHold(auc!, judged.auc);
    expect(reason).toMatch(
      /; the model is not adapted: held-out seeds had AUC (0\.\d\d) before adaptation and (?!\1)0\.\d\d after 4 passes/,
    );
    // and it would have harmed
    const trusted = await expandWith('trusted', tastes, { ...harm, early_stopping: null });
    expect(trusted.quality.epochs).toBe(4);
    expect(trusted.auc).toBeLessThan(judged.auc - 0.03);
  });

  it('is adapted if that helps, and the report says by how much', async () => {
    const knowsLittle = tastes.map((_, city) => 0.1 * createRng(`noise/${city}`).normal());
    const helped = await expandWith('helped', knowsLittle, { rate: 0.3, epochs: 8 });
    expect(helped.quality.epochs).toBeGreaterThanOrEqual(1);
    expect(helped.auc).toBeGreaterThan(unadapted(knowsLittle) + 0.05);
    expect(helped.quality.held_out!.held_out_seeds).toBe(SEEDS);
    const { auc, reason } = helped.quality.prediction;
    expectToHold(auc!, helped.auc);
    expect(reason).toMatch(
      /; the model is adapted by \d+ pass(?:es)? over the seeds: held-out seeds had AUC 0\.\d\d before/,
    );
  });
});
