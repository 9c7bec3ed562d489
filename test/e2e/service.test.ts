/**
 * The service through npm on a real port: seed sets of every size, user ids of every kind, and what the log must not
 * say.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { ODD_IDS } from '../fixture/odd-ids.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

describe.skipIf(!HAS_PROC)('serve', () => {
  it('accepts seed sets of any size and any user ids, and logs no user id', {
    timeout: 120_000,
  }, async () => {
    const folder = temporaryFolder();
    try {
      const population = join(folder, 'population');
      cpSync(world.population, population, { recursive: true });
      const served = await Served.start({
        ...world,
        population,
        dataDir: join(folder, 'data'),
        isThroughNpm: true,
        env: { METAHEAC_MAXIMUM_ATTEMPTS: '1' },
      });
      await checkInternalError(served, population);
      await checkSeedSets(served);
      await checkOddIds(served);
      await checkExplanation(served);
      const words = new Set(served.log.split(/["\s,]+/));
      expect(world.userIds.filter((id) => words.has(id))).toEqual([]);
      expect((await served.call('GET', '/readyz')).json).toMatchObject({ status: 'ready' });
    } finally {
    }
  });
});

async function checkSeedSets(served: Served): Promise<void> {
  const { features } = campaign;
  const few = await served.ended(await served.create({ features, seeds: campaign.seeds.slice(0, 3) }));
  expect([few.state, few.reason]).toEqual([
    'too_small',
    expect.objectContaining({ code: 'too_few_seeds', known: 3, minimum: 10 }),
  ]);

  const everyone = await served.ended(await served.create({ features, seeds: world.userIds }, { percent: 100 }));
  expect(everyone.seeds).toMatchObject({
    received: world.userIds.length,
    known: world.userIds.length,
    unknown: 0,
    duplicate: 0,
  });
  expect([everyone.state, everyone.reason]).toEqual([
    'failed',
    expect.objectContaining({ code: 'no_candidates', population: world.userIds.length }),
  ]);
  const refused = await served.call('GET', `/v1/campaigns/${everyone.id}/audience`);
  expect([refused.status, refused.json.code, refused.json.state]).toEqual([409, 'audience_not_ready', 'failed']);

  // One candidate is an audience.
  const allButOne = await served.ended(
    await served.create({ features, seeds: world.userIds.slice(1) }, { percent: 100 }),
  );
  expect([allButOne.state, allButOne.size]).toEqual(['ready', 1]);

  const over = await served.call('POST', '/v1/campaigns', {
    name: 'x',
    features,
    seeds: Array.from({ length: 100_001 }, (_, i) => `u${i}`),
    audience: { size: 1 },
  });
  expect([over.status, over.json.code, over.json.errors[0].limit]).toEqual([413, 'too_many_seeds', 100_000]);
  const most = await served.call('POST', '/v1/campaigns', {
    name: 'x',
    features,
    seeds: Array.from({ length: 100_000 }, (_, i) => `u${i}`),
    audience: { size: 1 },
  });
  expect([most.status, most.json.state, most.json.seeds.unknown]).toEqual([202, 'too_small', 100_000]);
}

/** Odd ids are seeds of one campaign and members of another: through import, POST, page, NDJSON, CSV and membership. */
async function checkOddIds(served: Served): Promise<void> {
  const { features } = campaign;
  const asSeeds = await served.create({ features, seeds: ODD_IDS }, { percent: 100 });
  const asMembers = await served.create({ features, seeds: campaign.seeds }, { percent: 100 });
  expect((await served.ended(asSeeds)).seeds).toMatchObject({ known: ODD_IDS.length, unknown: 0 });
  await served.ended(asMembers);
  const member = (id: string, user: string) =>
    served.call('GET', `/v1/campaigns/${id}/audience/members/${encodeURIComponent(user)}`);
  const all = (await served.call('GET', `/v1/campaigns/${asMembers}/audience?limit=10000`)).json.items as {
    rank: number;
    user_id: string;
    score: number;
    percentile: number;
  }[];
  expect(all.map(({ user_id }) => user_id).sort()).toEqual(
    world.userIds.filter((id) => !campaign.seeds.includes(id)).sort(),
  );
  const ndjson = await served.call('GET', `/v1/campaigns/${asMembers}/audience`, undefined, {
    accept: 'application/x-ndjson',
  });
  expect(
    ndjson.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(all);
  const csv = await served.call('GET', `/v1/campaigns/${asMembers}/audience`, undefined, { accept: 'text/csv' });
  expect(parseCsv(csv.text).slice(1)).toEqual(
    all.map(({ rank, user_id, score, percentile }) => [String(rank), user_id, String(score), String(percentile)]),
  );
  for (const user of ODD_IDS) {
    const found = all.find(({ user_id }) => user_id === user)!;
    expect([user, (await member(asMembers, user)).json]).toEqual([
      user,
      { member: true, known: true, rank: found.rank, score: found.score, percentile: found.percentile },
    ]);
    expect([user, (await member(asSeeds, user)).json]).toEqual([user, { member: false, known: true }]);
  }
}

/** The explanation comes from a thread of the service's own, with the seeds from their file. */
async function checkExplanation(served: Served): Promise<void> {
  const id = await served.create(
    { features: campaign.features, seeds: [...campaign.seeds, 'nobody'] },
    { percent: 20 },
  );
  const { size } = await served.ended(id);
  const answer = await served.call('GET', `/v1/campaigns/${id}/explanation`);
  expect([answer.status, answer.json.audience, answer.json.seeds]).toEqual([
    200,
    { count: size },
    { count: new Set(campaign.seeds).size },
  ]);
  expect(answer.json.features[0].tokens.length).toBeGreaterThan(0);
}

/**
 * A population that breaks under the engine, before it has read it, is not the caller's fault: the API says so in a
 * word, the log in full.
 */
async function checkInternalError(served: Served, population: string): Promise<void> {
  const version = readFileSync(join(population, 'current'), 'utf8').trim();
  const segments = join(population, version, 'segments');
  const files = readdirSync(segments).map((name) => join(segments, name));
  const bytes = files.map((file) => readFileSync(file));
  for (const [i, file] of files.entries()) writeFileSync(file, Buffer.alloc(bytes[i]!.length));
  const broken = await served.ended(await served.create({ features: campaign.features, seeds: campaign.seeds }));
  expect(broken.state).toBe('failed');
  expect(broken.reason.message).not.toContain(population);
  // The log is written behind the state.
  const lines = () => served.log.split('\n').filter((line) => line.includes(broken.id) && line.includes('"err"'));
  await served.until(() => lines().length > 0, 'logged the error');
  expect(lines().map((line) => JSON.parse(line).err.stack)).toEqual([expect.stringMatching(/\n\s+at /)]);
  for (const [i, file] of files.entries()) writeFileSync(file, bytes[i]!);
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (match[0] === '') break;
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
