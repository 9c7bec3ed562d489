/** A population that was updated, with dead rows on disk, is to all readers the one of an import of the same users. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { explain } from '../../src/audience/explanation.ts';
import { findRoles } from '../../src/audience/find-roles.ts';
import { openRanking } from '../../src/audience/ranking.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { loadModel } from '../../src/model/load.ts';
import { bind } from '../../src/online/binding.ts';
import { customise } from '../../src/online/customise.ts';
import { openOnlineProgram } from '../../src/online/online-context.ts';
import { openBoundRegression } from '../../src/online/regression/bound-regression.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population, summariseVersions } from '../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update.ts';
import { ValueCounts } from '../../src/service/served/value-counts.ts';
import { buildOneHot } from '../../src/training/history/one-hot.ts';
import { blobs } from '../audience/blobs.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { makeWideData } from '../fixture/make-tiny-world.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const folder = temporaryFolder();
const CHANGED = 900;
const LIMITS = { tokens: 10, minimumGroupUsers: 5, minimumDisparityPercent: 80 };
let updated: Population;
let imported: Population;
let filters: Record<string, string[]>;

/** Changes, deletes and adds users of the wide population, then imports what that gives over a copy of it. */
beforeAll(async () => {
  const [one, two] = [join(folder, 'updated'), join(folder, 'imported')];
  for (const to of [one, two]) cpSync(world.wide, to, { recursive: true });
  const data = join(folder, 'wide-data');
  await makeWideData(data);
  const users = readFileSync(join(data, 'users.ndjson'), 'utf8').trimEnd().split('\n');
  const lineOf = new Map(users.map((line) => [JSON.parse(line).user_id as string, line]));
  const delta = users.slice(0, CHANGED).map((line, i) => {
    const { user_id, ...values } = JSON.parse(users[users.length - 1 - i]!);
    return JSON.stringify({ ...values, user_id: i % 3 === 0 ? `new-${i}` : JSON.parse(line).user_id });
  });
  for (const line of delta) lineOf.set(JSON.parse(line).user_id, line);
  const [changed, deleted] = [join(folder, 'changed.ndjson'), join(folder, 'deleted.txt')];
  writeFileSync(changed, `${delta.join('\n')}\n`);
  writeFileSync(deleted, Array.from({ length: 500 }, (_, i) => `${JSON.parse(users[2000 + i]!).user_id}\n`).join(''));
  await updateFiles({
    ...{ population: one, changed: [changed], deleted: [deleted] },
    schema: (features) => schemaOfFeatures(features, new Map()),
  });
  updated = openPopulation(one);

  const source = join(folder, 'source');
  cpSync(data, source, { recursive: true });
  const order = Array.from({ length: updated.rowCount }, () => '');
  for (const [user, row] of updated.rowOf.entries()) if (row >= 0) order[row] = lineOf.get(updated.directory.id(user))!;
  writeFileSync(join(source, 'users.ndjson'), `${order.join('\n')}\n`);
  const { features } = updated;
  await importPopulation({ source, features, out: two });
  imported = openPopulation(two);
  const { name } = features.find(({ kind }) => kind === 'single')!;
  filters = { [name]: [updated.dictionary(name).token(1), updated.dictionary(name).token(2)] };
});

const both = <T>(read: (population: Population) => T): readonly [T, T] => [read(updated), read(imported)];
const idsOf = ({ features: _, seeds }: (typeof world.campaigns)[number]) => [...seeds];

describe('a population with dead rows', () => {
  it('has them', () => {
    const [summary] = summariseVersions(updated.path).filter(({ isCurrent }) => isCurrent);
    expect(summary).toMatchObject({ deadRows: 1100, segments: 2, sharedSegments: 1 });
    expect(updated.version).not.toBe(imported.version);
  });

  it('has the same users in the same rows', () => {
    const [a, b] = both((population) => ({
      rowOf: population.rowOf,
      rowCount: population.rowCount,
      rows: population.readRows(Int32Array.from({ length: population.rowCount }, (_, row) => row)),
      scan: Array.from({ length: population.segmentCount }, (_, i) => [
        ...population.readSegment(i).userNumbers,
      ]).flat(),
    }));
    expect(isDeepStrictEqual(a, b)).toBe(true);
    expect(a.rowCount).toBe(66_000 - 500 + CHANGED / 3);
  });

  it('has the same roles, filters and value counts', async () => {
    const ids = { seeds: [[idsOf(world.campaigns[0]!)]], dismissed: [], suppressed: [[['new-3', 'new-6']]] };
    const [a, b] = both((population) => findRoles(population, ids, filters));
    expect(await a).toEqual(await b);
    expect((await a).filtered.length).toBeGreaterThan(0);
    for (const { name } of updated.features) {
      const [counts, others] = both((population) => new ValueCounts(() => population).of(name));
      expect(await counts).toEqual(await others);
    }
  });

  it('has the same columns for training', () => {
    const features = updated.features.filter(({ kind }) => kind === 'single' || kind === 'multi');
    const [a, b] = both((population) => buildOneHot(population, features));
    expect(isDeepStrictEqual(a, b)).toBe(true);
  });

  it('has the same audiences, scores and explanations, given the same random numbers', async () => {
    const model = await loadModel(world.model, { device: CPU });
    const program = await openOnlineProgram(model, { device: CPU });
    const { features } = world.campaigns[0]!;
    const results = [];
    for (const population of [updated, imported]) {
      const binding = bind(model.folder, population);
      const regression = await openBoundRegression({ model, population, binding });
      const roles = await findRoles(
        population,
        { seeds: [[idsOf(world.campaigns[0]!)]], dismissed: [], suppressed: [] },
        {},
      );
      const seeds = Int32Array.from([...roles.seeds, ...roles.candidates.slice(0, 30)]).sort();
      const candidates = roles.candidates.slice(30);
      const context = { model, population, binding, program, regression };
      const { parameters, epochs, quality } = await customise(context, { key: 'k', features, seeds, candidates });
      const scorer = await openScorer({ graph: model.graph, folder: model.folder, adapted: model.adapted, binding });
      const scores = new Float32Array(population.directory.size).fill(Number.NaN);
      for (let segment = 0; segment < population.segmentCount; segment++) {
        const rows = population.readSegment(segment);
        const own = await scorer.score(rows, { features, parameters });
        for (let i = 0; i < rows.count; i++) scores[rows.userNumbers[i]!] = own[i]!;
      }
      await scorer.close();
      await regression?.close();
      const to = join(folder, `ranking-${population.version}`);
      await writeRanking(blobs, to, scores);
      const ranking = await openRanking(blobs, to);
      const audience = [...ranking.read(0, 5000).userNumbers].map((user) => population.directory.id(user));
      const explanation = await explain(population, { ranking, size: 5000 }, { numbers: new Set([1, 2, 3]) }, LIMITS);
      ranking.close();
      results.push({ scores, epochs, quality, audience, explanation });
    }
    const [a, b] = results;
    expect(isDeepStrictEqual(a!.scores, b!.scores)).toBe(true);
    expect({ ...a, scores: null }).toEqual({ ...b, scores: null });
    expect(a!.audience).toHaveLength(5000);
  });
});
