/** `metaheac population update` as people run it: beside a service that takes its version, and killed in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPopulation } from '../../src/population/read.ts';
import { useFolders } from '../fixture/folders.ts';
import { program } from '../fixture/program.ts';
import { ROOT } from '../fixture/served.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { snapshot } from '../population/support.ts';

const newFolder = useFolders();
const world = await tinyWorld();
const users = readFileSync(join(world.data, 'users.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly user_id: string; readonly [feature: string]: unknown });
const single = openPopulation(world.population).features.find(({ kind }) => kind === 'single')!.name;

function start(args: readonly string[]): ChildProcess {
  const command = [program(), 'population', ...args];
  return spawn(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function metaheac(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const child = start(args);
  const [out, err] = [child.stdout!.toArray(), child.stderr!.toArray()];
  const [status] = await once(child, 'exit');
  const text = async (chunks: Promise<unknown[]>) => Buffer.concat((await chunks) as Buffer[]).toString();
  return { status: status as number, stdout: await text(out), stderr: await text(err) };
}

/** A copy of a population, and files of a delta: users that changed or are new, and ids. */
function makeDelta(from: string, changed: readonly object[], deleted: readonly string[]) {
  const folder = newFolder();
  const [population, rows, ids] = ['population', 'changed.ndjson', 'deleted.txt'].map((name) => join(folder, name)) as [
    ...[string, string, string],
  ];
  cpSync(from, population, { recursive: true });
  writeFileSync(rows, changed.map((user) => `${JSON.stringify(user)}\n`).join(''));
  writeFileSync(ids, deleted.map((id) => `${id}\n`).join(''));
  return { population, args: ['update', '--population', population, '--changed', rows, '--deleted', ids] };
}

describe('metaheac population update', () => {
  it('reports its changes as text or JSON, or that there are none', async () => {
    const changed = [{ ...users[0]!, [single]: 'elsewhere' }, users[1]!, { ...users[2]!, user_id: 'newcomer' }];
    const { population, args } = makeDelta(world.population, changed, [users[3]!.user_id, 'nobody']);
    const { version } = openPopulation(population);
    const { status, stdout } = await metaheac(...args);
    const now = openPopulation(population).version;
    expect(stdout.replace(/, [0-9.]+ s\n/, '\n')).toBe(
      `population version ${now} in ${population}: ${users.length} users\n` +
        '  1 changed, 1 new, 1 deleted, 1 unchanged\n' +
        `  built on ${version}, the newest version\n` +
        '  1 ids to delete are not in the population\n' +
        `  1 segments written, 0 shared with ${version}\n`,
    );
    expect(status).toBe(0);
    const again = await metaheac(...args, '--json');
    expect(JSON.parse(again.stdout)).toEqual({
      version: now,
      before: now,
      base_is_newest: true,
      current_before: now,
      users: users.length,
      changed: 0,
      added: 0,
      deleted: 0,
      unchanged: 3,
      unknown: 2,
      segments: { shared: 1, written: 0 },
      bad_rows: 0,
      replaced: 0,
      erased: 0,
      left_out: 0,
      seconds: expect.any(Number),
    });
    const listed = JSON.parse((await metaheac('list', population, '--json')).stdout);
    expect(listed.versions[0]).toMatchObject({ version: now, current: true, dead_rows: 0, shared_segments: 0 });
    expect((await metaheac('rollback', population)).stdout).toContain(version);
    const { stdout: list, stderr: note } = await metaheac('list', population);
    expect([list.split('\n')[0], list.split('\n')[1]]).toEqual([
      expect.stringContaining(`  ${now}`),
      expect.stringContaining(`* ${version}`),
    ]);
    expect(note).toContain(`the next update builds on the newest version, ${now}, not on the current version`);
    expect((await metaheac(...args)).stdout).toContain(
      `  built on ${now}, the newest version\n  the current version was ${version} and is now ${now}\n`,
    );
    await metaheac('rollback', population);
    expect((await metaheac(...args, '--base', 'current')).stdout).toContain(
      `  built on ${version}, not the newest version`,
    );
    expect((await metaheac('diff', population, version, now)).stdout).toContain('1 added, 1 removed');
  });

  it.each([
    [['--population', 'p'], 2, '--changed'],
    [['--changed', 'a.csv'], 2, '--population'],
    [['--population', 'p', '--changed'], 2, '--changed'],
    [['--population', 'test', '--changed', 'package.json'], 1, 'package.json: the name does not show the format'],
    [['--population', 'test', '--deleted', 'package.json'], 1, 'package.json: the name does not show the format'],
  ])('refuses %j', async (args, status, part) => {
    const result = await metaheac('update', ...args);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toContain(part);
  });

  it('refuses a schema whose features differ from the population', async () => {
    const { args } = makeDelta(world.population, [users[0]!], []);
    const schema = join(newFolder(), 'schema.json');
    writeFileSync(schema, JSON.stringify({ features: [{ name: single, kind: 'number' }] }));
    const { status, stderr } = await metaheac(...args, '--schema', schema);
    expect(status).toBe(1);
    expect(stderr).toMatch(/an update cannot change the features; to change them, import all users\n$/);
  });
});

describe('an update that is killed with -9', () => {
  it('leaves the old version in service, and the same update then completes', async () => {
    // more than a segment, so that the middle is seen
    const many = Array.from({ length: 70_000 }, (_, i) => ({ ...users[i % users.length]!, user_id: `n${i}` }));
    const gone = users.slice(0, 5).map(({ user_id }) => user_id);
    const [killed, whole] = [makeDelta(world.wide, many, gone), makeDelta(world.wide, many, gone)];
    const before = snapshot(killed.population);
    const { version } = openPopulation(killed.population);
    const child = start(killed.args);
    while (!existsSync(join(killed.population, 'incoming/segments/000000.arrow'))) {
      expect(child.exitCode).toBeNull();
      await sleep(2);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(openPopulation(killed.population).version).toBe(version);
    for (const [path, bytes] of before) expect(snapshot(killed.population).get(path) === bytes).toBe(true);

    expect((await metaheac(...killed.args)).status).toBe(0);
    expect((await metaheac(...whole.args)).status).toBe(0);
    const [a, b] = [snapshot(killed.population), snapshot(whole.population)];
    expect([...a.keys()]).toEqual([...b.keys()]);
    expect([...a].every(([path, bytes]) => b.get(path) === bytes)).toBe(true);
    expect(readdirSync(killed.population)).not.toContain('incoming');
  }, 60_000);
});

describe('a service whose population is updated', () => {
  let service: StartedService;
  const expand = async (filters: object) => {
    const { features, seeds } = world.campaigns[0]!;
    const body = { name: 'updated', features, seeds, filters, audience: { percent: 100 } };
    const { id } = (await service.call('POST', '/v1/campaigns', body)).json;
    const json = await service.ended(id);
    expect(json.state).toBe('ready');
    return { id: id as string, json };
  };
  const membersOf = async (id: string) => {
    const { json } = await service.call('GET', `/v1/campaigns/${id}/audience?limit=1000`);
    return (json as { items: { user_id: string }[] }).items.map(({ user_id }) => user_id).sort();
  };

  it('serves the new version while look-ups go on: changed users have new features, deleted users are gone', async () => {
    const isSeed = new Set(world.campaigns[0]!.seeds);
    const others = users.filter(({ user_id }) => !isSeed.has(user_id) && /^[\w-]+$/.test(user_id));
    const [moved, gone] = [others.slice(0, 40), others.slice(40, 60)];
    const changed = [...moved, { ...others[70]!, user_id: 'newcomer' }].map((user) => ({
      ...user,
      [single]: 'Atlantis',
    }));
    const ids = gone.map(({ user_id }) => user_id);
    const { population, args } = makeDelta(world.population, changed, ids);
    service = await startReadyService({ dataDir: newFolder(), model: world.model, population });
    onTestFinished(() => service.close());
    const first = await expand({});

    let isOver = false;
    const read = async (path: string) => {
      const statuses: number[] = [];
      while (!isOver) statuses.push((await service.call('GET', path)).status);
      return statuses;
    };
    const member = `/v1/campaigns/${first.id}/audience/members`;
    const paths = [
      `${member}/${moved[0]!.user_id}`,
      `/v1/campaigns/${first.id}/audience?limit=50`,
      `${member}/${ids[0]}`,
    ];
    const readers = paths.map(read);
    expect((await metaheac(...args)).status).toBe(0);
    const { version } = openPopulation(population);
    expect((await service.call('POST', `/v1/populations/${version}/activate`)).status).toBe(200);
    const second = await expand({ [single]: ['Atlantis'] });
    isOver = true;
    const [ofMoved, ofPages, ofGone] = await Promise.all(readers);
    expect(ofMoved!.length).toBeGreaterThan(10);
    expect(new Set([...ofMoved!, ...ofPages!])).toEqual(new Set([200]));
    // from one answer to the next the user is not in the population any more
    expect([...new Set(ofGone!)]).toEqual([200, 404]);
    expect(ofGone).toEqual([...ofGone!].sort());

    expect(second.json).toMatchObject({ population_version: version });
    expect(await membersOf(second.id)).toEqual(changed.map(({ user_id }) => user_id).sort());
    const third = await expand({});
    const deleted = await service.call('GET', `/v1/campaigns/${third.id}/audience/members/${ids[0]}`);
    expect(deleted.status).toBe(404);
    expect((await service.call('GET', `/v1/campaigns/${third.id}/audience/members/newcomer`)).json).toMatchObject({
      member: true,
    });
  }, 60_000);
});
