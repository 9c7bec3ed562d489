/** POST /v1/estimates: counts, calls of the estimator, and the response with its results. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Estimates } from '../../../src/service/ports/estimates.ts';
import { importUsers, openFixture, SEEDS } from '../fixture.ts';

type Task = Parameters<Estimates['estimate']>[0];

const interval = { mean: 0.8, low: 0.7, high: 0.9 };
const bySize = { '0.001': interval, '0.05': interval, '0.1': interval, '0.5': interval };

let asked: { task: Task; timeMs: number }[] = [];
const population = await importUsers();
const server = await openFixture(population, { estimateTimeMs: 777, maximumInlineSeeds: 400, maximumSeedRows: 7 });
beforeEach(() => {
  asked = [];
  answerWith(async () => ({
    kind: 'estimate',
    estimate: {
      users: { seeds: 18, suppressed: 12, filtered: 40, outside: 0, candidates: 230 },
      expected: {
        prediction: {
          ...{ verdict: 'good', reason: 'they are alike', recall: bySize, lift: bySize },
          auc: { mean: 0.65, low: 0.5, high: 0.8 },
          drift: { measured: true, campaigns: 12, auc_before: interval },
        },
        seeds: 18,
        fittingSeeds: 11,
        candidates: 200,
      },
    },
  }));
});

function answerWith(estimate: (task: Task) => ReturnType<Estimates['estimate']>): void {
  server.answers.estimates = {
    estimate: (task, timeMs) => {
      asked.push({ task, timeMs });
      return estimate(task);
    },
  };
}

const rowsOf = (ids: readonly string[]) =>
  Int32Array.from(ids, (id) => population.rowOf[population.directory.find(id)]!).sort();
const ROWS = Array.from({ length: 8 }, () => ({ features: { city: 'c1', gender: null } }));
const post = (body: object) => server.call('POST', '/v1/estimates', body);

describe('POST /v1/estimates', () => {
  it('counts the seeds, and tells cohesion and expected quality at some sizes', async () => {
    const answer = await post({ features: { category: 'boots' }, seeds: [...SEEDS, SEEDS[0], 'nobody'] });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      seeds: {
        received: 22,
        known: 20,
        unknown: 1,
        duplicate: 1,
        unknown_examples: ['nobody'],
        suppressed: 2,
        contradicting: 0,
      },
      feature_counts: { unknown: 1, missing: 1 },
      minimum: 10,
      enough: true,
      excluded: { seeds: 18, suppressed: 12, filtered: 40 },
      candidates: 230,
      cohesion: interval,
      expected: {
        verdict: 'good',
        reason: 'they are alike',
        recall: { '0.05': interval, '0.1': interval },
        lift: { '0.05': interval, '0.1': interval },
        drift: { measured: true, campaigns: 12, auc_before: interval },
      },
      based_on: { seeds: 18, fitting_seeds: 11, candidates: 200 },
      reason: null,
    });
  });

  it('asks for rows of the population, ascending, with the limits', async () => {
    await post({ seeds: [...SEEDS].reverse() });
    expect(asked).toEqual([
      {
        task: {
          epoch: expect.any(Number),
          features: {},
          filters: {},
          category: null,
          seeds: rowsOf(SEEDS),
          seedWeights: null,
          absentSeeds: [],
          negatives: new Int32Array(0),
          negativeWeight: 1,
          suppressed: new Int32Array(0),
          suppressionSet: null,
          minimumSeeds: 10,
          mostSeeds: 150,
          mostCandidates: 3_000,
        },
        timeMs: 777,
      },
    ]);
  });

  it('calls the estimator with the same inputs whatever the order, with filters and both suppression lists', async () => {
    const list = { user_ids: ['person-70', 'person-71'] };
    expect((await server.call('PUT', '/v1/suppression', list)).status).toBe(200);
    try {
      const filters = { city: ['c1', 'c2'] };
      const suppression = ['person-60', 'nobody', 'person-5', 'person-60'];
      await post({ seeds: SEEDS, filters, suppression });
      await post({ seeds: [...SEEDS].reverse(), filters, suppression: [...suppression].reverse() });
      expect(asked[0]!.task).toMatchObject({
        filters,
        suppressed: rowsOf(['person-5', 'person-60']),
        suppressionSet: await server.store.userSets.find({ kind: 'common_suppression' }),
      });
      expect(asked[0]!.task.suppressionSet).toMatch(/^[0-9a-f]{64}-/);
      expect(asked[1]).toEqual(asked[0]);
    } finally {
      await server.call('DELETE', '/v1/suppression');
    }
  });

  it('passes weights by row, and counts seeds that are negatives as negatives only', async () => {
    const weighted = SEEDS.map((user_id, i) => (i < 3 ? { user_id, weight: i + 2 } : user_id));
    const negatives = [SEEDS[19]!, 'person-60', 'nobody'];
    answerWith(async () => {
      const users = { seeds: 17, suppressed: 3, filtered: 0, outside: 0, candidates: 280 };
      return { kind: 'estimate', estimate: { users, expected: null } };
    });
    const { json } = await post({ seeds: weighted, negatives, negative_weight: 4 });
    expect(json.seeds).toMatchObject({ known: 20, suppressed: 2, contradicting: 1 });
    const seeds = rowsOf(SEEDS.slice(0, 19));
    const weights = new Map(SEEDS.slice(0, 3).map((id, i) => [rowsOf([id])[0], i + 2]));
    expect(asked[0]!.task).toMatchObject({
      seeds,
      seedWeights: Float64Array.from(seeds, (row) => weights.get(row) ?? 1),
      negatives: rowsOf([SEEDS[19]!, 'person-60']),
      negativeWeight: 4,
    });
    const few = await post({ seeds: SEEDS, negatives: SEEDS.slice(9) });
    expect(few.json.reason.message).toBe(
      '9 of the seeds are in the population and not negatives; at least 10 are needed',
    );
    expect([few.json.enough, asked.length]).toEqual([false, 1]);
  });

  it('passes features of seeds outside the population who are neither negatives nor suppressed', async () => {
    const features = { gender: null, city: 'c1', income: 7 };
    const stored = '{"city":"c1","gender":null}';
    const seeds = [
      ...SEEDS.slice(0, 8),
      { user_id: 'stranger', features, weight: 2 },
      { features },
      { features },
      { user_id: SEEDS[8], features: { city: 'c2', gender: 'f' } },
      ...['a negative', 'suppressed', 'twice'].map((user_id) => ({ user_id, features })),
      'twice',
      { user_id: 'nobody', features: null },
    ];
    const counted = { seeds: 8, suppressed: 1, filtered: 0, outside: 2, candidates: 280 };
    answerWith(async () => ({ kind: 'late', users: counted }));
    const { json } = await post({ seeds, negatives: ['a negative'], suppression: ['suppressed'] });
    expect(json.seeds).toMatchObject({ received: 17, known: 9, unknown: 2, outside: 5, duplicate: 1, suppressed: 1 });
    expect(json.enough).toBe(true);
    expect(json.seeds.unknown_examples).toEqual(['twice', 'nobody']);
    const { seeds: rows, seedWeights, absentSeeds } = asked[0]!.task;
    expect([rows, seedWeights]).toEqual([rowsOf(SEEDS.slice(0, 9)), new Float64Array(9).fill(1)]);
    expect(absentSeeds).toMatchObject([
      { userId: 'stranger', weight: 2, features: stored },
      { userId: expect.stringMatching(/^row:[0-9a-f]{64}:1$/), weight: 1, features: stored },
      { userId: expect.stringMatching(/:2$/) },
    ]);
    const few = await post({ seeds: seeds.slice(0, 9) });
    expect([few.json.enough, few.json.reason.message]).toEqual([
      false,
      '8 of the seeds are in the population, and 1 other has features; at least 10 are needed',
    ]);
  });

  it('reports too few known seeds without calling the estimator', async () => {
    const { status, json } = await post({ seeds: [...SEEDS.slice(0, 9), 'nobody', 'no one'] });
    expect([status, json.enough, json.cohesion, json.expected]).toEqual([200, false, null, null]);
    expect(json.reason).toEqual({
      code: 'too_few_seeds',
      message: '9 of the seeds are in the population; at least 10 are needed',
    });
    expect(asked).toEqual([]);
  });

  it('says that nobody is left who is not a seed', async () => {
    const left = { seeds: 20, suppressed: 0, filtered: 280, outside: 0, candidates: 0 };
    answerWith(async () => ({ kind: 'estimate', estimate: { users: left, expected: null } }));
    const { status, json } = await post({ seeds: SEEDS, filters: { city: ['c1'], gender: ['f'] } });
    expect([status, json.enough, json.cohesion, json.based_on]).toEqual([200, true, null, null]);
    expect([json.excluded, json.candidates]).toEqual([{ seeds: 20, suppressed: 0, filtered: 280 }, 0]);
    expect(json.reason).toEqual({
      code: 'no_candidates',
      message: 'every user of the population is a seed, suppressed or filtered out',
    });
  });

  it('says that too few seeds are not suppressed', async () => {
    const left = { seeds: 9, suppressed: 11, filtered: 0, outside: 0, candidates: 280 };
    answerWith(async () => ({ kind: 'estimate', estimate: { users: left, expected: null } }));
    const { json } = await post({ seeds: SEEDS, suppression: SEEDS.slice(9) });
    expect([json.enough, json.seeds.known, json.seeds.suppressed, json.candidates]).toEqual([false, 20, 11, 280]);
    expect(json.reason).toEqual({
      code: 'too_few_seeds',
      message: '9 of the seeds are in the population and neither suppressed nor negatives; at least 10 are needed',
    });
  });

  it('asks the caller to try again if the global suppression list changed in the meantime and its file is gone', async () => {
    await server.call('PUT', '/v1/suppression', { user_ids: ['person-70'] });
    answerWith(async () => {
      await server.call('DELETE', '/v1/suppression');
      throw new Error('no such file');
    });
    const { status, json } = await post({ seeds: SEEDS });
    expect([status, json.reason.code, json.excluded]).toEqual([200, 'busy', null]);
  });

  it.each([
    [{ kind: 'loading' }, 'loading'],
    [{ kind: 'busy' }, 'busy'],
    [{ kind: 'late', users: null }, 'too_slow'],
  ] as const)('counts seeds, and says why there is no more, where the estimator says %j', async (outcome, code) => {
    answerWith(async () => outcome);
    const { status, json } = await post({ seeds: SEEDS });
    expect([status, json.seeds.known, json.enough, json.cohesion, json.reason.code]).toEqual([
      200,
      20,
      true,
      null,
      code,
    ]);
  });

  it('returns the counts if there was not enough time for the rest', async () => {
    const counted = { seeds: 15, suppressed: 5, filtered: 0, outside: 0, candidates: 280 };
    answerWith(async () => ({ kind: 'late', users: counted }));
    const { json } = await post({ seeds: SEEDS });
    expect([json.seeds.suppressed, json.candidates, json.cohesion, json.reason.code]).toEqual([
      5,
      280,
      null,
      'too_slow',
    ]);
  });

  it('shows a request id only when the estimator fails, and logs why', async () => {
    answerWith(async () => {
      throw new Error('a secret path');
    });
    const { status, json, text } = await post({ seeds: SEEDS });
    expect([status, json.seeds.known, json.reason.code]).toEqual([200, 20, 'failed']);
    expect(text).not.toContain('secret');
    expect(server.log()).toContain('a secret path');
  });

  it.each([
    ['an unknown filter', { seeds: SEEDS, filters: { country: ['DE'] } }, 400, 'unknown_filter'],
    [
      'features that are not those of the population',
      { seeds: [{ features: { city: 'c1' } }] },
      400,
      'invalid_request',
    ],
    ['a seed without id and features', { seeds: [{ features: null }] }, 400, 'invalid_request'],
    ['features that are no object', { seeds: [...SEEDS, { features: '' }] }, 400, 'invalid_request'],
    ['too many seeds with features', { seeds: ROWS }, 413, 'too_many_seeds'],
    ['a weight that is not a number', { seeds: [{ user_id: 'a', weight: 'x' }] }, 400, 'invalid_request'],
    [
      'too many suppressed users',
      { seeds: SEEDS, suppression: Array.from({ length: 401 }, (_, i) => `u${i}`) },
      413,
      'too_many_seeds',
    ],
  ])('refuses %s', async (_, body, status, code) => {
    const answer = await post(body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(asked).toEqual([]);
  });
});
