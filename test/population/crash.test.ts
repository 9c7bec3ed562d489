/** What a folder serves after kills, leftovers, locks and damage. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { tryFileLock } from '../../src/lib/files/file-lock.ts';
import { importPopulation } from '../../src/population/import/import.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { withPopulationFiles } from '../../src/population/versions/copy-files.ts';
import { asWriter } from '../../src/population/versions/lock.ts';
import { makeCurrent } from '../../src/population/versions/versions.ts';
import { useFolders } from '../fixture/folders.ts';
import { itUsual, size } from '../fixture/size.ts';
import { FEATURES, importUsers, refusalOf, snapshot, toLines, USERS, writeDataSet } from './support.ts';

const newFolder = useFolders();
const MORE = [...USERS, { user_id: 'emil', city: 'Oslo', likes: ['golf'] }];

/** Starts an import in a process of its own. */
function spawnImport(source: string, out: string): ChildProcess {
  const script = new URL('./import-child.ts', import.meta.url).pathname;
  return spawn(process.execPath, [script, source, out], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('an import that was killed', () => {
  itUsual('keeps serving the old version, and the next import gives the same result', async () => {
    const [source, out, expectedOut] = [newFolder(), newFolder(), newFolder()];
    const first = await importUsers(source, out, USERS);
    await importUsers(source, expectedOut, USERS);
    const many =
      toLines(USERS) +
      Array.from({ length: 150_000 }, (_, i) => `{"user_id":"u${i}","city":"c${i}","likes":["t${i % 9}"]}\n`).join('');
    writeDataSet(source, many);
    const child = spawnImport(source, out);
    // Until the first segment is there: the import is then in the middle.
    while (!existsSync(join(out, 'incoming/segments/000000.arrow'))) {
      expect(child.exitCode).toBeNull();
      await sleep(5);
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(openPopulation(out)).toMatchObject({ version: first.version, rowCount: 4 });

    const options = { source, features: FEATURES };
    const again = await importPopulation({ ...options, out });
    expect(again).toEqual(await importPopulation({ ...options, out: expectedOut }));
    expect(snapshot(out)).toEqual(snapshot(expectedOut));
  });

  itUsual('may have appended to the tables: that is cut off, and the numbers are assigned again', async () => {
    const [source, out, expectedOut] = [newFolder(), newFolder(), newFolder()];
    await importUsers(source, expectedOut, USERS);
    await importUsers(source, out, USERS);
    for (const name of [
      'directory.bytes',
      'directory.ends',
      ...readdirSync(join(out, 'dictionaries')).map((file) => `dictionaries/${file}`),
    ]) {
      appendFileSync(join(out, name), 'left by a killed import');
    }
    mkdirSync(join(out, 'incoming/segments'), { recursive: true });
    writeFileSync(join(out, 'incoming/segments/000007.arrow'), 'torn');
    writeFileSync(join(out, 'current.tmp'), 'torn');
    expect(openPopulation(out).directory.size).toBe(4);
    expect(await importUsers(source, out, MORE)).toEqual(await importUsers(source, expectedOut, MORE));
    rmSync(join(out, 'current.tmp'), { force: true });
    expect(snapshot(out)).toEqual(snapshot(expectedOut));
  });

  itUsual('may have published all but `current`: the old version serves, and the same import finishes it', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const first = await importUsers(source, out, USERS);
    const second = await importUsers(source, out, MORE);
    writeFileSync(join(out, 'current'), `${first.version}\n`);
    expect(openPopulation(out).version).toBe(first.version);
    // An import of something else must not give emil's number to another user.
    await importUsers(source, out, [{ user_id: 'fritz', city: null, likes: null }]);
    expect(openPopulation(out).directory.find('fritz')).toBe(5);
    expect(openPopulation(out, { version: second.version }).directory.find('emil')).toBe(4);
  });

  itUsual('finishes a version that only lacks `current`', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const { version } = await importUsers(source, out, USERS);
    rmSync(join(out, 'current'));
    expect((await refusalOf(() => openPopulation(out))).message).toMatch(/is not a population: it has no file current/);
    expect(await importUsers(source, out, USERS)).toMatchObject({ version, newUsers: 0 });
    expect(openPopulation(out).version).toBe(version);
  });
});

describe('the lock of writers', () => {
  itUsual('runs two simultaneous imports one after the other', async () => {
    const out = newFolder();
    const source = writeDataSet(newFolder(), USERS);
    const results = await Promise.all([1, 2].map(() => importPopulation({ source, features: FEATURES, out })));
    expect(results.map(({ newUsers }) => newUsers).sort()).toEqual([0, 4]);
    expect(openPopulation(out).rowCount).toBe(4);
  });

  itUsual('refuses a writer that waits for too long, and says so', async () => {
    const [source, out] = [newFolder(), newFolder()];
    const { version } = await importUsers(source, out, USERS);
    await asWriter(out, async () => {
      const refusals = [
        () => importUsers(newFolder(), out, MORE),
        () => makeCurrent(out, version),
        () => withPopulationFiles(out, async () => {}),
      ].map(refusalOf);
      for (const refusal of await Promise.all(refusals))
        expect(refusal).toMatchObject({
          code: 'unavailable',
          message: `another import, update, prune or backup of ${out} is running: try again when it has finished`,
        });
    });
    expect(await importUsers(newFolder(), out, MORE)).toMatchObject({ users: 5 });
  });

  itUsual('is free as soon as its holder is killed', async () => {
    const [source, out] = [newFolder(), newFolder()];
    writeDataSet(
      source,
      Array.from({ length: 150_000 }, (_, i) => `{"user_id":"u${i}","city":"c${i}","likes":[]}\n`).join(''),
    );
    const child = spawnImport(source, out);
    while (!existsSync(join(out, 'incoming'))) await sleep(5);
    expect(tryFileLock(join(out, 'writer.lock'))).toBeNull();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await importUsers(newFolder(), out, USERS)).toMatchObject({ users: 4 });
  });

  it('is removed with a folder that stayed empty, and a waiting writer creates the folder again', async () => {
    const out = join(newFolder(), 'population');
    const source = writeDataSet(newFolder(), '{"user_id":"bad"');
    const good = writeDataSet(newFolder(), USERS);
    for (let turn = 0; turn < size(5, 25); turn++) {
      const [refused, done] = await Promise.allSettled(
        [source, good].map((from) => importPopulation({ source: from, features: FEATURES, out })),
      );
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'invalid_data' } });
      expect(done).toMatchObject({ status: 'fulfilled', value: { users: 4 } });
      rmSync(out, { recursive: true });
      expect((await refusalOf(() => importPopulation({ source, features: FEATURES, out }))).code).toBe('invalid_data');
      expect(existsSync(out)).toBe(false);
    }
  });
});

describe('a damaged folder', () => {
  const make = async () => {
    const [source, out] = [newFolder(), newFolder()];
    const { version } = await importUsers(source, out, USERS);
    return { source, out, version };
  };
  const files = (version: string) => [
    'directory.bytes',
    'directory.ends',
    `${version}/row-of.i32`,
    `${version}/segments/000000.arrow`,
    `${version}/population.json`,
  ];

  itUsual.each([0, 1, 2, 3, 4])('is refused by name when a file is cut short, altered or gone (%i)', async (index) => {
    for (const damage of ['cut', 'altered', 'gone'] as const) {
      const { out, version } = await make();
      const path = join(out, files(version)[index]!);
      const bytes = readFileSync(path);
      if (damage === 'cut') truncateSync(path, bytes.length - 3);
      if (damage === 'gone') rmSync(path);
      if (damage === 'altered') {
        // Digits in the manifest, any byte elsewhere: the last byte would be padding or a line end.
        const at = path.endsWith('.json') ? bytes.indexOf('"rows": 4') + 8 : Math.floor(bytes.length / 2);
        bytes[at]! ^= 1;
        writeFileSync(path, bytes);
      }
      const error = await refusalOf(() => openPopulation(out));
      expect(error.code).toBe('invalid_population');
      expect(error.message).toContain(path);
    }
  });

  itUsual('is refused when a dictionary was altered', async () => {
    const { out } = await make();
    const name = readdirSync(join(out, 'dictionaries')).find(
      (file) => file.startsWith('city') && file.endsWith('.bytes'),
    )!;
    const path = join(out, 'dictionaries', name);
    writeFileSync(path, readFileSync(path).fill(0x41));
    expect((await refusalOf(() => openPopulation(out))).message).toBe(
      `${path} was altered: its sha256 differs from the recorded sha256`,
    );
  });

  itUsual("is refused when a version's own file grew", async () => {
    const { out, version } = await make();
    appendFileSync(join(out, version, 'segments/000000.arrow'), 'x');
    expect((await refusalOf(() => openPopulation(out))).message).toMatch(/000000\.arrow was altered: it has \d+ bytes/);
  });

  itUsual('is refused when it is of a newer contract, or `current` is not a version', async () => {
    const { out, version } = await make();
    const path = join(out, version, 'population.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"contract": 1', '"contract": 3'));
    expect((await refusalOf(() => openPopulation(out))).message).toBe(
      `${path} has contract 3, but this program reads 2: update the program`,
    );
    writeFileSync(join(out, 'current'), '../../etc');
    expect((await refusalOf(() => openPopulation(out))).message).toContain('does not hold a version');
  });

  itUsual('is refused when it is not a population, or has no such version', async () => {
    const { out } = await make();
    expect(await refusalOf(() => openPopulation(newFolder()))).toMatchObject({ code: 'invalid_population' });
    expect(await refusalOf(() => openPopulation(join(out, 'none')))).toMatchObject({ code: 'invalid_population' });
    const error = await refusalOf(() => openPopulation(out, { version: '0123456789ab' }));
    expect(error.message).toMatch(/0123456789ab\/population\.json can't be read: ENOENT/);
  });

  itUsual('is refused as the base of an import when its numbers were altered', async () => {
    const { source, out } = await make();
    const path = join(out, 'directory.bytes');
    writeFileSync(path, readFileSync(path).reverse());
    expect((await refusalOf(() => importUsers(source, out, MORE))).message).toContain(`${path} was altered`);
  });

  itUsual('is repaired by importing the same content when a segment was damaged', async () => {
    const { source, out, version } = await make();
    truncateSync(join(out, version, 'segments/000000.arrow'), 100);
    expect(await importUsers(source, out, USERS)).toMatchObject({ version, newUsers: 0 });
    expect(openPopulation(out).readSegment(0).count).toBe(4);
  });

  itUsual('that is trusted is still refused when a truncated segment is read', async () => {
    const { out, version } = await make();
    const population = openPopulation(out, { trusted: true });
    truncateSync(join(out, version, 'segments/000000.arrow'), 100);
    expect((await refusalOf(() => population.readSegment(0))).message).toMatch(
      /000000\.arrow is damaged: it has fewer than \d+ bytes/,
    );
    expect((await refusalOf(() => openPopulation(out, { trusted: true }))).message).toMatch(
      /000000\.arrow is damaged: it has 100 of/,
    );
  });
});
