/**
 * The service through npm on a real port: the largest sets of seeds, internal errors, and what the log must not
 * contain.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

describe.skipIf(!HAS_PROC)('serve', () => {
  it('expands seed sets that leave one or no candidate, hides internal errors from callers, and logs no user id', {
    timeout: 120_000,
  }, async () => {
    const folder = temporaryFolder();
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
    const words = new Set(served.log.split(/["\s,]+/));
    expect(world.userIds.filter((id) => words.has(id))).toEqual([]);
    expect((await served.call('GET', '/readyz')).json).toMatchObject({ status: 'ready' });
  });
});

async function checkSeedSets(served: Served): Promise<void> {
  const { features } = campaign;
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
