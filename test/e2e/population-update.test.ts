/** `metaheac population update` as people run it, and killed in the middle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openPopulation } from '../../src/population/read.ts';
import { metaheac } from '../cli/in-process.ts';
import { useFolders } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { program } from '../fixture/program.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { snapshot } from '../population/support.ts';

const newFolder = useFolders();
const world = await tinyWorld();
const users = jsonLines(readFileSync(join(world.data, 'users.ndjson'), 'utf8')) as {
  readonly user_id: string;
  readonly [feature: string]: unknown;
}[];
const single = openPopulation(world.population).features.find(({ kind }) => kind === 'single')!.name;

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
    const { status, stdout } = await metaheac('population', ...args);
    const now = openPopulation(population).version;
    expect(stdout.replace(/, [0-9.]+ s\n/, '\n')).toBe(
      `population version ${now} in ${population}: ${users.length} users\n` +
        '  1 changed, 1 new, 1 deleted, 1 unchanged\n' +
        `  built on ${version}, the newest version\n` +
        '  1 ids to delete are not in the population\n' +
        `  1 segments written, 0 shared with ${version}\n`,
    );
    expect(status).toBe(0);
    const again = await metaheac('population', ...args, '--json');
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
      unknown_identifiers: 0,
      erased_identifiers: 0,
      seconds: expect.any(Number),
    });
    const listed = JSON.parse((await metaheac('population', 'list', population, '--json')).stdout);
    expect(listed.versions[0]).toMatchObject({ version: now, current: true, dead_rows: 0, shared_segments: 0 });
    expect((await metaheac('population', 'rollback', population)).stdout).toContain(version);
    const { stdout: list, stderr: note } = await metaheac('population', 'list', population);
    expect([list.split('\n')[0], list.split('\n')[1]]).toEqual([
      expect.stringContaining(`  ${now}`),
      expect.stringContaining(`* ${version}`),
    ]);
    expect(note).toContain(`the next update builds on the newest version, ${now}, not on the current version`);
    expect((await metaheac('population', ...args)).stdout).toContain(
      `  built on ${now}, the newest version\n  the current version was ${version} and is now ${now}\n`,
    );
    await metaheac('population', 'rollback', population);
    expect((await metaheac('population', ...args, '--base', 'current')).stdout).toContain(
      `  built on ${version}, not the newest version`,
    );
    expect((await metaheac('population', 'diff', population, version, now)).stdout).toContain('1 added, 1 removed');
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
    const child = spawn(process.execPath, [program(), 'population', ...killed.args], { stdio: 'ignore' });
    while (!existsSync(join(killed.population, 'incoming/segments/000000.arrow'))) {
      expect(child.exitCode).toBeNull();
      await sleep(2);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(openPopulation(killed.population).version).toBe(version);
    for (const [path, bytes] of before) expect(snapshot(killed.population).get(path) === bytes).toBe(true);

    expect((await metaheac('population', ...killed.args)).status).toBe(0);
    expect((await metaheac('population', ...whole.args)).status).toBe(0);
    const [a, b] = [snapshot(killed.population), snapshot(whole.population)];
    expect([...a.keys()]).toEqual([...b.keys()]);
    expect([...a].every(([path, bytes]) => b.get(path) === bytes)).toBe(true);
    expect(readdirSync(killed.population)).not.toContain('incoming');
  }, 60_000);
});
