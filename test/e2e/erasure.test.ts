/** Users are erased from a running service, over HTTP and by the command: look-ups go on, a kill takes nothing back. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { metaheac } from '../cli/in-process.ts';
import { useFolders } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const newFolder = useFolders();
const world = await tinyWorld();
const campaign = world.campaigns[0]!;
/** An id that no other id contains. */
const UNKNOWN = 'nobody-we-know-4711';
const TIMEOUT = { timeout: 240_000 };

/** A copy of the shared population, with a user whose id no other contains, and a data folder to be. */
async function newPlaces(): Promise<{ model: string; population: string; dataDir: string; data: string }> {
  const folder = newFolder();
  const [population, dataDir, data] = ['population', 'data', 'source'].map((name) => join(folder, name)) as [
    ...[string, string, string],
  ];
  cpSync(world.population, population, { recursive: true });
  mkdirSync(data);
  cpSync(join(world.data, 'dataset.json'), join(data, 'dataset.json'));
  const lines = readFileSync(join(world.data, 'users.ndjson'), 'utf8').trim().split('\n');
  const planted = ['planted-seed-1', 'planted-user-2'].map((user_id) =>
    JSON.stringify({ ...JSON.parse(lines[0]!), user_id }),
  );
  writeFileSync(join(data, 'users.ndjson'), `${[...lines, ...planted].join('\n')}\n`);
  await importAgain({ population, data });
  return { model: world.model, population, dataDir, data };
}

function importAgain({ population, data }: { readonly population: string; readonly data: string }) {
  const features = readModelFolder(world.model).manifest.features.user.map(featureOf);
  return importPopulation({ source: data, features, out: population });
}

function filesWith(id: string, ...folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(id))
    .map(({ name }) => name);
}

const withSeeds = (...more: string[]) => ({ ...campaign, seeds: [...campaign.seeds, ...more] });
const member = (id: string, user: string) => `/v1/campaigns/${id}/audience/members/${encodeURIComponent(user)}`;

async function membersOf(served: Served, path: string): Promise<string[]> {
  const { text } = await served.call('GET', path, undefined, { accept: 'text/csv' });
  return text.split('\r\n').map((line) => line.split(',')[1] ?? '');
}

describe.skipIf(!HAS_PROC)('a user who is erased from a running service', () => {
  itUsual('is in no later answer, while look-ups go on, and stays erased', TIMEOUT, async () => {
    const places = await newPlaces();
    const served = await Served.start(places);
    const id = await served.create(campaign, { percent: 100 });
    await served.ended(id);
    const audience = `/v1/campaigns/${id}/audience`;
    const [victim, other] = ['planted-user-2', (await membersOf(served, audience))[5]!];
    expect((await served.call('GET', member(id, victim))).json.member).toBe(true);

    let isErased = false;
    let isOver = false;
    const seen = { before: 0, after: 0, statuses: new Set<number>() };
    const read = async (path: string, has: (text: string) => boolean) => {
      while (!isOver) {
        const began = isErased;
        const { status, text } = await served.call(
          'GET',
          path,
          undefined,
          path === audience ? { accept: 'text/csv' } : {},
        );
        if (path !== member(id, victim)) seen.statuses.add(status);
        if (began) expect(has(text)).toBe(false);
        seen[began ? 'after' : 'before'] += 1;
      }
    };
    const readers = [
      read(audience, (text) => text.includes(victim)),
      read(`${audience}?limit=500`, (text) => text.includes(victim)),
      read(member(id, victim), (text) => text.includes('"member":true')),
      read(member(id, other), () => false),
      read(`/v1/campaigns/${id}/audiences/1`, (text) => text.includes(victim)),
    ];
    await sleep(300);
    expect((await served.call('DELETE', `/v1/users/${victim}`)).status).toBe(204);
    isErased = true;
    await sleep(400);
    isOver = true;
    await Promise.all(readers);
    expect([...seen.statuses]).toEqual([200]);
    expect(Math.min(seen.before, seen.after)).toBeGreaterThan(5);

    // the next version does not rank the user, although its population version still has the row
    const { json } = await served.call('POST', `/v1/campaigns/${id}/expansions`);
    await served.ended(id);
    const expansion = (await served.call('GET', `/v1/campaigns/${id}/expansions/${json.id}`)).json;
    expect(expansion).toMatchObject({ state: 'ready', excluded: { suppressed: 1 } });
    const { items } = (await served.call('GET', `/v1/campaigns/${id}/audiences`)).json;
    expect(items.map(({ candidates }: { candidates: number }) => candidates)).toEqual([
      items[1].candidates - 1,
      items[1].candidates,
    ]);
    expect(await membersOf(served, audience)).not.toContain(victim);
    expect(served.log).toContain('users erased');
    expect(served.log).not.toContain(victim);

    // an import that has the user again leaves the user out
    expect(await importAgain(places)).toMatchObject({ erased: 1 });
    expect(filesWith(victim, places.population, places.dataDir)).toEqual([]);
    const version = openPopulation(places.population).version;
    expect((await served.call('POST', `/v1/populations/${version}/activate`)).status).toBe(200);
    expect((await served.call('GET', member(id, victim))).status).toBe(404);
    expect((await served.call('GET', member(id, other))).json.member).toBe(true);
  });

  it.runIf(IS_LONG)(
    'stays erased if the service is killed right after the answer, and no byte of the id is left',
    TIMEOUT,
    async () => {
      const places = await newPlaces();
      let served = await Served.start(places);
      const id = await served.create(withSeeds('planted-seed-1', UNKNOWN));
      await served.ended(id);
      await served.call('POST', `/v1/campaigns/${id}/feedback`, {
        events: [{ user_id: 'planted-user-2', event: 'click' }],
      });
      const ids = ['planted-seed-1', 'planted-user-2', UNKNOWN];
      const answers = await Promise.all(ids.map((user) => served.call('DELETE', `/v1/users/${user}`)));
      served.killGroup();
      await served.exited();
      expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
      for (const user of ids) expect(filesWith(user, places.dataDir)).toEqual([]);

      served = await Served.start(places);
      for (const user of ids) expect((await served.call('GET', member(id, user))).status).toBe(404);
      const { seeds } = (await served.call('GET', `/v1/campaigns/${id}`)).json;
      expect(seeds).toMatchObject({ known: campaign.seeds.length, unknown: 0, unknown_examples: [] });
      expect(await importAgain(places)).toMatchObject({ erased: 2 });
      for (const user of ids) expect(filesWith(user, places.dataDir, places.population)).toEqual([]);
    },
  );
});

describe.skipIf(!HAS_PROC)('metaheac population erase', () => {
  it.runIf(IS_LONG)('erases many users, with and without a running service', TIMEOUT, async () => {
    const places = await newPlaces();
    const file = join(newFolder(), 'ids.txt');
    const served = await Served.start(places);
    const id = await served.create(withSeeds('planted-seed-1', UNKNOWN), { percent: 100 });
    await served.ended(id);
    writeFileSync(file, `\uFEFFplanted-user-2\r\n\r\n${UNKNOWN}\r\nplanted-user-2\r\n`);
    const first = await metaheac('population', 'erase', places.population, '--ids', file, '--data-dir', places.dataDir);
    expect([first.status, first.stdout]).toEqual([
      0,
      '2 users: 2 erased now, 1 of them known to the population\n' +
        `the service that is using ${places.dataDir} will erase the users there within seconds\n` +
        `1 ids were overwritten in ${places.population}\n`,
    ]);
    await served.until(async () => {
      const { seeds } = (await served.call('GET', `/v1/campaigns/${id}`)).json;
      return seeds.unknown === 0 && (await served.call('GET', member(id, 'planted-user-2'))).status === 404;
    }, 'noticed the erasure');
    expect((await served.call('GET', member(id, campaign.seeds[0]!))).json.known).toBe(true);
    served.killGroup();
    await served.exited();

    writeFileSync(file, 'planted-seed-1\n');
    const second = await metaheac(
      'population',
      'erase',
      places.population,
      '--ids',
      file,
      '--data-dir',
      places.dataDir,
    );
    expect([second.status, second.stdout]).toEqual([
      0,
      '1 users: 1 erased now, 1 of them known to the population\n' +
        `${places.dataDir}: 1 sets, 0 events and 0 stored responses contained erased users\n` +
        `1 ids were overwritten in ${places.population}\n`,
    ]);
    for (const user of ['planted-user-2', 'planted-seed-1', UNKNOWN])
      expect(filesWith(user, places.population, places.dataDir)).toEqual([]);
    expect((await metaheac('population', 'erase', places.population, '--ids', file)).stdout).toContain(
      '1 users: 0 erased now',
    );
  });
});
