/** POST /v1/estimates: what is counted, what is asked of the estimator, and what is told of its answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Estimates } from '../../src/server/config.ts';
import { type Fixture, importUsers, openFixture, type PopulationFixture, SEEDS, USER_IDS } from './fixture.ts';

type Task = Parameters<Estimates['estimate']>[0];

const interval = { mean: 0.8, low: 0.7, high: 0.9 };
const bySize = { '0.001': interval, '0.05': interval, '0.1': interval, '0.5': interval };

let users: PopulationFixture;
let server: Fixture;
let asked: { task: Task; timeMs: number }[] = [];
beforeAll(async () => {
  users = await importUsers();
  server = await openFixture(users.population, { estimateTimeMs: 777, maximumInlineSeeds: 400 });
});
afterAll(async () => {
  await server.close();
  users.remove();
});
beforeEach(() => {
  asked = [];
  answerWith(async () => ({
    kind: 'estimate',
    estimate: {
      prediction: { verdict: 'good', reason: 'they are alike', auc: interval, recall: bySize, lift: bySize },
      seeds: 20,
      candidates: 280,
    },
  }));
});

function answerWith(estimate: (task: Task) => ReturnType<Estimates['estimate']>): void {
  server.setEstimates({
    estimate: (task, timeMs) => {
      asked.push({ task, timeMs });
      return estimate(task);
    },
  });
}

const post = (body: object) => server.call('POST', '/v1/estimates', body);

describe('POST /v1/estimates', () => {
  it('counts the seeds, and tells cohesion and expected quality at some sizes', async () => {
    const answer = await post({ features: { category: 'boots' }, seeds: [...SEEDS, SEEDS[0], 'nobody'] });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      seeds: { received: 22, known: 20, unknown: 1, duplicate: 1, unknown_examples: ['nobody'] },
      feature_counts: { unknown: 1, missing: 1 },
      minimum: 10,
      enough: true,
      cohesion: interval,
      expected: {
        verdict: 'good',
        reason: 'they are alike',
        recall: { '0.05': interval, '0.1': interval },
        lift: { '0.05': interval, '0.1': interval },
      },
      based_on: { seeds: 20, candidates: 280 },
      reason: null,
    });
  });

  it('asks for rows of the population, ascending, with the limits', async () => {
    await post({ seeds: [...SEEDS].reverse() });
    const rows = SEEDS.map((id) => users.population.rowOf[users.population.directory.find(id)]!);
    expect(asked).toEqual([
      {
        task: {
          features: {},
          seeds: Int32Array.from(rows).sort(),
          mostSeeds: 150,
          mostCandidates: 3_000,
        },
        timeMs: 777,
      },
    ]);
  });

  it('stores nothing', async () => {
    await post({ seeds: SEEDS });
    expect((await server.call('GET', '/v1/campaigns')).json.items).toEqual([]);
  });

  it('says that the known seeds are too few, and asks nobody', async () => {
    const { status, json } = await post({ seeds: [...SEEDS.slice(0, 9), 'nobody', 'no one'] });
    expect([status, json.enough, json.cohesion, json.expected]).toEqual([200, false, null, null]);
    expect(json.reason).toEqual({
      code: 'too_few_seeds',
      message: '9 of the seeds are in the population, at least 10 are needed',
    });
    expect(asked).toEqual([]);
  });

  it('says that nobody is left who is no seed', async () => {
    const { json } = await post({ seeds: USER_IDS });
    expect([json.enough, json.reason.code, asked.length]).toEqual([true, 'no_candidates', 0]);
  });

  it.each([
    ['loading', 'loading'],
    ['busy', 'busy'],
    ['late', 'too_slow'],
  ] as const)('counts, and says why there is no more, where the estimator is %s', async (kind, code) => {
    answerWith(async () => ({ kind }));
    const { status, json } = await post({ seeds: SEEDS });
    expect([status, json.seeds.known, json.enough, json.cohesion, json.reason.code]).toEqual([
      200,
      20,
      true,
      null,
      code,
    ]);
  });

  it('shows a request id only where the estimator fails, and logs why', async () => {
    answerWith(async () => {
      throw new Error('a secret path');
    });
    const { status, json, text } = await post({ seeds: SEEDS });
    expect([status, json.seeds.known, json.reason.code]).toEqual([200, 20, 'failed']);
    expect(text).not.toContain('secret');
    expect(server.log()).toContain('a secret path');
  });

  it.each([
    ['no seeds', { seeds: [] }, 400, 'invalid_request'],
    ['no list', { seeds: 'u1' }, 400, 'invalid_request'],
    ['an unknown field', { seeds: SEEDS, name: 'x' }, 400, 'invalid_request'],
    ['an unknown feature', { seeds: SEEDS, features: { colour: 'red' } }, 400, 'unknown_feature'],
    ['too many seeds', { seeds: Array.from({ length: 401 }, (_, i) => `u${i}`) }, 413, 'too_many_seeds'],
  ])('refuses %s', async (_, body, status, code) => {
    const answer = await post(body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(asked).toEqual([]);
  });
});
