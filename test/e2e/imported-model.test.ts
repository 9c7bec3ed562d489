/**
 * A DeepFM that PyTorch exported goes the whole way: import, population, service, seeds, audience, its model in plain
 * ONNX Runtime.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { modelImportCommand } from '../../src/cli/commands/model/import.ts';
import { populationImportCommand } from '../../src/cli/commands/population/import.ts';
import type { Output } from '../../src/lib/output.ts';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { startReadyService } from '../fixture/start-service.ts';

const DEEPFM = join(import.meta.dirname, '..', 'golden', 'deepfm-opset17', 'model.onnx');
const folder = temporaryFolder();

const USERS = 3000;
const LIST = 5;
const GENDERS = ['f', 'm'];
const INTERESTS = Array.from({ length: 22 }, (_, i) => `interest ${i + 1}`);
const CAMPAIGN = { advertiser: '3', category: 'music' };
const CATEGORIES = ['sport', 'news', 'music', ...Array.from({ length: 8 }, (_, i) => `category ${i}`)];

/** What the importer of a team says of its model: tokens here, tokens in a file, and ids that stand for themselves. */
const SCHEMA = {
  name: 'deepfm',
  features: {
    user: [
      { name: 'gender', kind: 'single', tokens: GENDERS },
      { name: 'age', kind: 'single', vocabulary_size: 7 },
      { name: 'city', kind: 'single', vocabulary_size: 18 },
      { name: 'interest', kind: 'multi', max_length: LIST, vocabulary: 'interests.json' },
    ],
    campaign: [
      { name: 'advertiser', kind: 'single', vocabulary_size: 8 },
      { name: 'category', kind: 'single', tokens: CATEGORIES },
    ],
  },
  // few users, so that their tastes show in few steps
  adaptation: { rate: 0.02, epochs: 8 },
};

interface User {
  readonly user_id: string;
  readonly gender: string | null;
  readonly age: string;
  readonly city: string;
  readonly interest: readonly string[];
}

function drawUser(rng: Rng, i: number): User {
  const interest = Array.from({ length: rng.integer(8) }, () =>
    rng.integer(9) === 0 ? 'unheard of' : INTERESTS[rng.integer(INTERESTS.length)]!,
  );
  return {
    user_id: `u${i}`,
    gender: rng.integer(10) === 0 ? null : GENDERS[rng.integer(2)]!,
    age: String(1 + rng.integer(6)),
    // cities 18 and 19 are none of the model's
    city: String(1 + rng.integer(19)),
    interest,
  };
}

const likes = ({ city, age }: User) => ['2', '5', '11', '16'].includes(city) || age === '4';

/**
 * The rows of the contract, made by hand: unknown tokens of lists are left out, then the first five kept, padded with
 * 0.
 */
function encode(users: readonly User[]): Record<string, ort.Tensor> {
  const column = (ids: number[], width = 1) =>
    new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), width === 1 ? [ids.length] : [ids.length / width, width]);
  const within = (token: string, most: number) => (Number(token) <= most ? Number(token) : 0);
  const lists = users.map(({ interest }) =>
    interest
      .map((token) => INTERESTS.indexOf(token) + 1)
      .filter((id) => id > 0)
      .slice(0, LIST),
  );
  return {
    'user.gender': column(users.map(({ gender }) => (gender === null ? 0 : GENDERS.indexOf(gender) + 1))),
    'user.age': column(users.map(({ age }) => within(age, 6))),
    'user.city': column(users.map(({ city }) => within(city, 17))),
    'user.interest': column(
      lists.flatMap((ids) => Array.from({ length: LIST }, (_, i) => ids[i] ?? 0)),
      LIST,
    ),
    'user.interest.length': column(lists.map(({ length }) => length)),
    'campaign.advertiser': column(users.map(() => 3)),
    'campaign.category': column(users.map(() => CATEGORIES.indexOf('music') + 1)),
  };
}

async function scoresOf(model: Uint8Array | string, users: readonly User[]): Promise<Map<string, number>> {
  const session = await ort.InferenceSession.create(model as string);
  const { score } = await session.run(encode(users));
  await session.release();
  return new Map(users.map(({ user_id }, i) => [user_id, (score!.data as Float32Array)[i]!]));
}

describe('a DeepFM of PyTorch', () => {
  it('is imported, served, and ranks the users who are like its seeds first', { timeout: 120_000 }, async () => {
    const lines: string[] = [];
    const output: Output = { result: (line) => lines.push(line), note: (line) => lines.push(line), progress: () => {} };
    const [model, data, population] = ['model', 'data', 'population'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(join(folder, 'schema.json'), JSON.stringify(SCHEMA));
    writeFileSync(join(folder, 'interests.json'), JSON.stringify(INTERESTS));
    await modelImportCommand(DEEPFM, { schema: join(folder, 'schema.json'), out: model }, output);
    expect(lines).toContain('unsupported gradients: none');

    const rng = createRng('imported model');
    const users = Array.from({ length: USERS }, (_, i) => drawUser(rng, i));
    mkdirSync(data);
    const features = { user_features: SCHEMA.features.user, campaign_features: SCHEMA.features.campaign };
    writeFileSync(join(data, 'dataset.json'), JSON.stringify({ name: 'generated', ...features }));
    writeFileSync(join(data, 'users.ndjson'), users.map((user) => `${JSON.stringify(user)}\n`).join(''));
    const reading = { column: new Map(), maxBadRows: 0, duplicates: 'error' } as const;
    await populationImportCommand([], { data, model, out: population, ...reading }, output);
    expect(lines.find((line) => line.startsWith('  city: '))).toMatch(
      /^ {2}city: 19 tokens, 3000 uses, 1\d\.\d % unknown/,
    );

    const fans = users.filter(likes);
    const seeds = fans.slice(0, 200);
    const service = await startReadyService({ dataDir: join(folder, 'data-dir'), model, population });
    try {
      const get = (path: string, init: RequestInit = {}) => fetch(`${service.url}/v1/campaigns/${path}`, init);
      const created = await service.call('POST', '/v1/campaigns', {
        name: 'records',
        features: CAMPAIGN,
        seeds: seeds.map(({ user_id }) => user_id),
        audience: { percent: 100 },
      });
      expect(created.status).toBe(202);
      const { id, state, quality } = await service.ended(created.json.id);
      expect(state).toBe('ready');
      expect(quality.held_out.auc).toBeGreaterThan(0.8);

      const answer = await get(`${id}/audience`, { headers: { accept: 'application/x-ndjson' } });
      const members = jsonLines(await answer.text()) as { rank: number; user_id: string; score: number }[];
      expect(members).toHaveLength(USERS - seeds.length);

      // the audience's scores are those of plain ONNX Runtime, on rows that are encoded by hand
      const customised = new Uint8Array(await (await get(`${id}/model`)).arrayBuffer());
      const scores = await scoresOf(customised, users);
      for (const { user_id, score } of members)
        expect(Math.abs(score - scores.get(user_id)!)).toBeLessThanOrEqual(1e-6);
      expect(members.every(({ score }, i) => i === 0 || score <= members[i - 1]!.score)).toBe(true);
      // and not those of the file that was imported: it was adapted
      const before = await scoresOf(DEEPFM, users);
      const moved = members.map(({ user_id, score }) => Math.abs(score - before.get(user_id)!));
      expect(Math.max(...moved)).toBeGreaterThan(0.1);

      // four of five of the first are fans that the service was not told of, of whom there is about one in three
      const isFan = new Map(users.map((user) => [user.user_id, likes(user)]));
      const first = members.slice(0, 300).filter(({ user_id }) => isFan.get(user_id)).length / 300;
      expect(first).toBeGreaterThan(0.8);
      expect((fans.length - seeds.length) / members.length).toBeLessThan(0.4);
    } finally {
      await service.close();
    }
  });
});
