/** Promoted models and the population in what `verify`, `backup` and `restore` do. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { modelPromoteCommand } from '../../src/cli/commands/model/promote.ts';
import { backupCommand, restoreCommand } from '../../src/cli/commands/upkeep/backup.ts';
import { verifyCommand } from '../../src/cli/commands/upkeep/verify.ts';
import type { UserNumber } from '../../src/lib/brands.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { importModel } from '../../src/model/import/import-model.ts';
import { publishModel } from '../../src/model/promotion.ts';
import { readServedModels } from '../../src/model/versions.ts';
import { eraseUsers, redactErasedUsers } from '../../src/population/erase.ts';
import { openPopulation } from '../../src/population/read.ts';
import { asWriter } from '../../src/population/versions/lock.ts';
import { locateStore, lockStore, openStore } from '../../src/storage/open-store.ts';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { ofFewUsers, writeKinds } from '../online/kinds-model.ts';

const root = temporaryFolder();
const dataDir = join(root, 'data-dir');
const models = join(dataDir, 'models');
const world = await fewDemoPeople(root);
const first = readModelFolder(world.model).manifest.version;
let second: string;

beforeAll(async () => {
  await (
    await openStore(locateStore(dataDir), { clock: systemClock, minimumSeeds: 1, leaseMs: 1000, maximumAttempts: 1 })
  ).close();
  second = writeVariant(world.model, join(root, 'second'), () => ({ name: 'second' }));
  await publishModel(models, world.model);
  await modelPromoteCommand(join(root, 'second'), { dataDir }, collect().output);
});
afterEach(() => {
  process.exitCode = undefined;
});

function collect() {
  const [lines, notes]: [string[], string[]] = [[], []];
  return {
    lines,
    notes,
    output: {
      result: (line: string) => void lines.push(line),
      note: (line: string) => void notes.push(line),
      progress: () => {},
    },
  };
}

async function verify(folder: string, options: { repair?: boolean } = {}) {
  const { output, lines } = collect();
  await verifyCommand(folder, { json: true, ...options }, output);
  return JSON.parse(lines[0]!);
}

async function backUp(name: string, options: { withPopulation?: string } = {}) {
  const out = join(root, name);
  const collected = collect();
  await backupCommand(dataDir, { out, ...options }, systemClock, collected.output);
  return { out, ...collected };
}

async function restore(from: string, name: string, populationTo?: string) {
  const to = join(root, name);
  const collected = collect();
  await restoreCommand(from, { to, ...(populationTo === undefined ? {} : { populationTo }) }, collected.output);
  return { to, ...collected };
}

describe('a backup', () => {
  // other tests use its backup
  it('has the promoted models, as hard links, and says what it has not', async () => {
    const { out, notes } = await backUp('backup');
    expect(readdirSync(join(out, 'models')).sort()).toEqual([first, second, 'served.json'].sort());
    const file = `models/${second}/model.onnx`;
    expect(statSync(join(out, file)).ino).toBe(statSync(join(dataDir, file)).ino);
    expect(notes).toEqual(['not included: the population (--with-population DIR adds it) and the folder of --model']);
    const { to } = await restore(out, 'restored');
    expect(readModelFolder(join(to, 'models', second)).manifest.version).toBe(second);
    expect(readServedModels(join(to, 'models'))).toEqual(readServedModels(models));
    expect(await verify(to)).toMatchObject({ whole: true, models: 2, orphans: [] });
  });

  itUsual(
    'has the population where that is asked for, as it was: with its erasures, and whatever comes later',
    async () => {
      const { population } = world;
      const userIds = [0, 1].map((number) => openPopulation(population).directory.id(number as UserNumber));
      await eraseUsers(population, [userIds[0]!], openPopulation(population));
      redactErasedUsers(population);
      const { version } = openPopulation(population);
      const { out, notes } = await backUp('with-population', { withPopulation: population });
      expect(notes).toEqual(['not included: the folder of --model']);
      // what is appended to or replaced later must not be the backup's file
      await eraseUsers(population, [userIds[1]!], openPopulation(population));
      redactErasedUsers(population);

      const left = await restore(out, 'without');
      expect(left.notes).toEqual([expect.stringMatching(/^left out: the population, \d+ files/)]);
      expect(existsSync(join(left.to, 'population'))).toBe(false);
      await expect(restore(out, 'inside', join(root, 'inside', 'population'))).rejects.toThrow(
        `${join(root, 'inside', 'population')} is in ${join(root, 'inside')}, the restored data folder`,
      );
      const file = join(root, 'a-file');
      writeFileSync(file, '');
      await expect(restore(out, 'other', file)).rejects.toThrow(`cannot write ${file}: ENOTDIR`);
      const to = join(root, 'population-again');
      await restore(out, 'with', to);
      const again = openPopulation(to);
      expect([again.version, again.erasures.count]).toEqual([version, 1]);
      expect(userIds.map((id) => again.directory.find(id) >= 0)).toEqual([false, true]);
      await expect(restore(join(root, 'backup'), 'never', to)).rejects.toThrow('has no population');
      await expect(restore(out, 'never', to)).rejects.toThrow('is not empty');
      expect(existsSync(join(root, 'never'))).toBe(false);
    },
  );

  it.runIf(IS_LONG)('of a population waits for no import: it is refused while one runs', async () => {
    await asWriter(world.population, () =>
      expect(backUp('refused', { withPopulation: world.population })).rejects.toThrow(/another import, .* is running/),
    );
    await expect(backUp('refused', { withPopulation: dataDir })).rejects.toThrow('is not a population');
    expect(existsSync(join(root, 'refused'))).toBe(false);
  });
});

describe('verify', () => {
  itUsual('finds damaged and missing models, and removes only what a promotion left', async () => {
    const { to } = await restore(join(root, 'backup'), 'checked');
    const at = (name: string) => join(to, 'models', name);
    mkdirSync(at(`${first}.copying-1`));
    writeFileSync(at('served.json.new'), '');
    writeFileSync(at('README'), 'of a person');
    const leftovers = [`models/${first}.copying-1`, 'models/served.json.new'];
    const release = await lockStore(locateStore(to));
    expect(await verify(to)).toMatchObject({ whole: true, running: true, orphans: [] });
    release();
    expect(await verify(to)).toMatchObject({ whole: true, orphans: leftovers });

    const bytes = readFileSync(join(at(first), 'model.onnx'));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(at(first), 'model.onnx'), bytes);
    rmSync(at(second), { recursive: true });
    const faults = [
      { path: `models/${first}`, message: expect.stringMatching(/^model\.onnx does not match the manifest/) },
      { path: 'models/served.json', message: `the file names model ${second}, which does not exist` },
    ];
    expect(await verify(to, { repair: true })).toMatchObject({ whole: false, models: 1, faults, removed: 2 });
    expect(process.exitCode).toBe(4);
    expect(readdirSync(join(to, 'models')).sort()).toEqual([first, 'README', 'served.json'].sort());
    writeFileSync(at('served.json'), '{');
    expect((await verify(to)).faults).toContainEqual({ path: 'models/served.json', message: expect.any(String) });
  });

  it.runIf(IS_LONG)('finds a model whose files are whole and that cannot expand, naming the node', async () => {
    const { to } = await restore(join(root, 'backup'), 'cannot-expand');
    const exported = writeKinds(root, ofFewUsers);
    const out = join(root, 'few-users');
    const [file, schema] = [join(exported, 'export.onnx'), join(exported, 'schema.json')];
    await importModel({ file, schema, out, created: '2026-11-28T12:00:00.000Z' });
    const version = basename(await publishModel(join(to, 'models'), out));
    const message = expect.stringMatching(
      /^the model fails to adapt in a test expansion: [^\n]*'(places|beside)'[^\n]*$/,
    );
    expect((await verify(to)).faults).toEqual([{ path: `models/${version}`, message }]);
    expect(process.exitCode).toBe(4);
  });
});
