/** The doctor: whole folders are fine, and each kind of harm is found and changes nothing. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { examineSpace } from '../../src/cli/commands/serve/doctor/data-folder.ts';
import { examine, type Patient } from '../../src/cli/commands/serve/doctor/examine.ts';
import type { Finding } from '../../src/cli/commands/serve/doctor/finding.ts';
import type { Machine } from '../../src/cli/commands/serve/doctor/machine.ts';
import type { UserNumber } from '../../src/lib/brands.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { publishModel } from '../../src/model/promotion.ts';
import { writeServedModels } from '../../src/model/versions.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { openPopulation } from '../../src/population/read.ts';
import type { Limits } from '../../src/service/limits.ts';
import { readSettings } from '../../src/service/settings/environment.ts';
import { START_CHECKS } from '../../src/service/start-checks.ts';
import { locateStore, lockStore, openStore } from '../../src/storage/open-store.ts';
import { everyoneIsKnown, newCampaign } from '../domain/contract/inputs.ts';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder, useFolders } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { ROOT } from '../fixture/served.ts';
import { changeBehindSums } from '../storage/sqlite/change-behind-sums.ts';

const newFolder = useFolders();
const world = await fewDemoPeople(temporaryFolder());
const STORE = { clock: systemClock, minimumSeeds: 1, leaseMs: 1000, maximumAttempts: 1 };
const isRoot = process.getuid?.() === 0;

const MACHINE: Machine = {
  node: '24.0.0',
  processors: 2,
  memoryBytes: 16 * 2 ** 30,
  availableBytes: 8 * 2 ** 30,
  openFiles: 65_536,
};

/** Threads take seconds to start: few tests need what they find. */
const WITHOUT_ENGINE = START_CHECKS.filter(({ check }) => check !== 'model loads');

/** Without a loader: another user may not be allowed to run what compiles. */
const LOOK_FOR_WRITABLE = `
  ${
    ts.transpileModule(readFileSync(join(ROOT, 'src/service/paths.ts'), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    }).outputText
  }
  console.log(JSON.stringify(['closed', 'open', 'open/seeds'].map(mayWrite)));`;

interface Given extends Partial<Omit<Patient, 'settings'>> {
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
}

async function look({ env = {}, limits, ...patient }: Given = {}): Promise<ReadonlyMap<string, Finding>> {
  const settings = readSettings(
    {
      METAHEAC_DATA_DIR: env['METAHEAC_DATA_DIR'] ?? (await dataFolder()),
      METAHEAC_MODEL: world.model,
      METAHEAC_POPULATION: world.population,
      METAHEAC_DEVICE: 'cpu',
      METAHEAC_PORT: '0',
      ...env,
    },
    {},
    limits,
  );
  const userId = process.getuid?.() ?? null;
  const checks = WITHOUT_ENGINE;
  const all = await examine({ settings, machine: MACHINE, clock: systemClock, userId, checks, ...patient });
  for (const { status, advice } of all) expect(advice === null).toBe(status === 'ok');
  return new Map(all.map((finding) => [finding.check, finding]));
}

/** The finding that is not ok, the only one. */
async function faultOf(check: string, given: Given): Promise<Finding> {
  const all = await look(given);
  expect([...all.values()].filter(({ status }) => status !== 'ok').map((finding) => finding.check)).toEqual([check]);
  return all.get(check)!;
}

async function dataFolder(): Promise<string> {
  const folder = newFolder();
  chmodSync(folder, 0o750);
  await (await openStore(locateStore(folder), STORE)).close();
  return folder;
}

function copyOf(folder: string): string {
  const copy = join(newFolder(), 'copy');
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`)
    .sort();
}

describe('examine', () => {
  it('finds nothing wrong with whole folders, and changes nothing', async () => {
    const data = await dataFolder();
    const before = [data, world.model, world.population].map(namesIn);
    const all = await look({ env: { METAHEAC_DATA_DIR: data }, checks: START_CHECKS });
    expect([...all.values()].filter(({ status }) => status !== 'ok')).toEqual([]);
    expect([data, world.model, world.population].map(namesIn)).toEqual(before);
    expect([...all.keys()]).toEqual([
      ...[
        'data folder',
        'database',
        'lock',
        'disk space',
        'model',
        'promoted models',
        'model loads',
        'population',
        'model and population',
      ],
      ...['node', 'processors', 'memory', 'open files', 'device', 'clock', 'access', 'secrets', 'port'],
    ]);
  });

  it('says that serve will create what is not there, and does not create it', async () => {
    const data = join(newFolder(), 'a', 'b');
    const all = await look({ env: { METAHEAC_DATA_DIR: data } });
    expect(all.get('data folder')).toMatchObject({
      status: 'ok',
      detail: `${data} does not exist yet: serve creates it`,
    });
    expect(() => statSync(join(data, '..'))).toThrow('ENOENT');
  });

  it('asks for what was not given', async () => {
    const settings = readSettings({ METAHEAC_PORT: '0', METAHEAC_DEVICE: 'cpu' });
    const all = await examine({ settings, machine: MACHINE, clock: systemClock, userId: 0 });
    const missing = all.filter(({ status }) => status === 'failed').map(({ check }) => check);
    expect(missing).toEqual(['data folder', 'model', 'population']);
  });

  it('sees a running service, and does not take its port for a fault', async () => {
    const data = await dataFolder();
    const release = await lockStore(locateStore(data));
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    try {
      const all = await look({ env: { METAHEAC_DATA_DIR: data, METAHEAC_PORT: port } });
      expect(all.get('lock')?.detail).toContain('a service is using this folder');
      expect(all.get('port')).toMatchObject({ status: 'ok' });
      expect(await faultOf('port', { env: { METAHEAC_PORT: port } })).toMatchObject({ status: 'failed' });
    } finally {
      server.close();
      release();
    }
  });
});

describe('the data folder', () => {
  const at = (folder: string) => ({ env: { METAHEAC_DATA_DIR: folder } });

  it('should be closed to others', async () => {
    const data = await dataFolder();
    chmodSync(data, 0o755);
    expect((await faultOf('data folder', at(data))).detail).toContain('can be read by every user');
    chmodSync(data, 0o757);
    expect((await faultOf('data folder', at(data))).detail).toContain('can be changed by every user');
  });

  it.runIf(isRoot)('should belong to this user', async () => {
    const data = await dataFolder();
    chownSync(data, 65_534, 65_534);
    expect(await faultOf('data folder', at(data))).toMatchObject({ status: 'warning' });
  });

  it('must be writable, with all that is in it', () => {
    const home = newFolder();
    chmodSync(home, 0o755);
    mkdirSync(join(home, 'closed'), { mode: 0o555 });
    mkdirSync(join(home, 'open/seeds'), { recursive: true });
    chmodSync(join(home, 'open'), 0o777);
    chmodSync(join(home, 'open/seeds'), 0o555);
    // root may write everywhere, so another user looks: from inside, as the folders above are closed to it
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', LOOK_FOR_WRITABLE], {
      cwd: home,
      encoding: 'utf8',
      env: {},
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([false, true, false]);
  });

  it('must have no damaged row: what verify finds in it is named', async () => {
    const data = await dataFolder();
    const store = await openStore(locateStore(data), STORE);
    const { id } = await store.create(newCampaign({ name: 'autumn' }), everyoneIsKnown);
    await store.close();
    changeBehindSums(join(data, 'metaheac.db'), ['campaigns', 'name'], ['autumn', 'autumN']);
    expect(await faultOf('database', at(data))).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining(`row ${id} of campaigns is damaged`),
      advice: expect.stringContaining('delete the damaged files'),
    });
  });

  it('needs space for a version of each audience', () => {
    const data = newFolder();
    expect(examineSpace(data, 1000, 10)).toMatchObject({ status: 'ok' });
    expect(examineSpace(data, 1e6, 1e9)).toMatchObject({ status: 'warning' });
    expect(examineSpace(data, 1e15, 1)).toMatchObject({ status: 'failed' });
  });
});

describe('model and population', () => {
  it('names damaged erasures and the command that repairs them, and never has the model trained for it', async () => {
    const population = copyOf(world.population);
    const opened = openPopulation(population);
    await eraseUsers(
      population,
      [0, 1].map((number) => opened.directory.id(number as UserNumber)),
      opened,
    );
    const env = { METAHEAC_POPULATION: population };
    expect((await look({ env })).get('population')?.status).toBe('ok');
    const path = join(population, 'erased.bin');
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.from(bytes).fill(7, 0, 24));
    const all = await look({ env });
    expect(all.get('erased users')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining(`${path} was altered`) as string,
      advice: 'Repair the erasures: metaheac population repair DIR',
    });
    expect([...all.values()].filter(({ advice }) => advice?.includes('Train the model'))).toEqual([]);
    writeFileSync(path, bytes);
    rmSync(join(population, 'erased.key'));
    expect((await look({ env })).get('erased users')?.advice).toMatch(/^Restore the file from a backup/);
  });
});

describe('promoted models', () => {
  const version = readModelFolder(world.model).manifest.version;
  const at = (data: string, model = world.model) => ({ env: { METAHEAC_DATA_DIR: data, METAHEAC_MODEL: model } });

  /** A data folder where another model was promoted; its version. */
  async function promoted(base: string | null = version): Promise<{ data: string; other: string }> {
    const [data, folder] = [await dataFolder(), join(newFolder(), 'other')];
    const other = writeVariant(world.model, folder, () => ({ name: 'other' }));
    const models = join(data, 'models');
    await publishModel(models, folder);
    writeServedModels(models, { base, history: [{ version: other, activated_at: null, check: null }] });
    return { data, other };
  }

  it('are none at first, then the one that is served; another --model goes before it', async () => {
    expect((await look()).get('promoted models')).toMatchObject({
      status: 'ok',
      detail: 'none: the model of --model is served',
    });
    const { data, other } = await promoted();
    expect((await look(at(data))).get('promoted models')?.detail).toMatch(
      new RegExp(`^1 version, \\d+ .iB: ${other} is served$`),
    );
    const newer = join(newFolder(), 'newer');
    writeVariant(world.model, newer, () => ({ name: 'newer' }));
    expect((await look(at(data, newer))).get('promoted models')?.detail).toMatch(
      /the model named by --model is served, because/,
    );
  });

  it('must be whole where one is served, and should be where a rollback goes to it', async () => {
    const { data, other } = await promoted();
    appendFileSync(join(data, 'models', other, 'model.onnx'), 'x');
    expect(await faultOf('promoted models', at(data))).toMatchObject({
      status: 'failed',
      detail: expect.stringMatching(new RegExp(`models/${other}: model\\.onnx does not match`)) as string,
    });
    writeServedModels(join(data, 'models'), {
      base: version,
      history: [{ version, activated_at: null, check: null }],
    });
    expect(await faultOf('promoted models', at(data))).toMatchObject({ status: 'warning' });
    writeFileSync(join(data, 'models/served.json'), '');
    expect(await faultOf('promoted models', at(data))).toMatchObject({ status: 'failed' });
  });

  it('are what is held against the population, and leave nothing behind', async () => {
    const { data } = await promoted();
    mkdirSync(join(data, 'models/0123456789ab.copying-7'));
    expect((await faultOf('promoted models', at(data))).advice).toContain('verify --repair');
  });
});

describe('the machine', () => {
  it.each<[string, Partial<Machine>, Record<string, string>, Finding['status'], RegExp]>([
    ['node', { node: '23.11.1' }, {}, 'failed', /too old/],
    ['node', { node: '20.20.2' }, {}, 'failed', /too old/],
    ['processors', {}, { METAHEAC_THREADS: '3' }, 'warning', /2 for 3 engine threads/],
    ['memory', { memoryBytes: 2 ** 29 }, {}, 'failed', /512 MiB in all/],
    ['memory', { availableBytes: 2 ** 30 }, {}, 'warning', /1\.0 GiB available/],
    ['open files', { openFiles: 1024 }, {}, 'warning', /1024 allowed, up to 3072 needed/],
  ])('finds %s in %j', async (check, facts, env, status, detail) => {
    const fault = await faultOf(check, { machine: { ...MACHINE, ...facts }, env });
    expect(fault).toMatchObject({ status, detail: expect.stringMatching(detail) as string });
  });

  it('does not ask for memory that a running service has already', async () => {
    const data = await dataFolder();
    const release = await lockStore(locateStore(data));
    const machine = { ...MACHINE, availableBytes: 1 };
    const all = await look({ env: { METAHEAC_DATA_DIR: data }, machine });
    release();
    expect(all.get('memory')).toMatchObject({ status: 'ok' });
  });

  it('finds a clock that is behind', async () => {
    const clock = { ...systemClock, now: () => Date.parse('2001-01-01') };
    expect(await faultOf('clock', { clock })).toMatchObject({ status: 'warning' });
  });

  it('says why CUDA cannot be used, and that it is no fault if it need not be', async () => {
    const all = await look({ env: { METAHEAC_DEVICE: 'auto' } });
    expect(all.get('device')).toMatchObject({ status: 'ok' });
    if (all.get('device')!.detail.startsWith('cuda')) return;
    expect(all.get('device')!.detail).toMatch(/^cpu \(CUDA is not available: .+\), requested: auto$/);
    const fault = await faultOf('device', { env: { METAHEAC_DEVICE: 'cuda' } });
    expect(fault).toMatchObject({ status: 'failed', detail: expect.stringContaining('cuda cannot be used') as string });
  });
});

describe('access', () => {
  it('counts the keys of the store: one that was ever made is needed, and one that is valid', async () => {
    const data = await dataFolder();
    const env = { METAHEAC_DATA_DIR: data, METAHEAC_HOST: '0.0.0.0' };
    const store = await openStore(locateStore(data), STORE);
    const make = async (scope: 'read' | 'admin') =>
      (await store.apiKeys.create({ name: 'test', scope, labels: {}, expiresAt: null }, 10)).apiKey.id;
    const ids = [await make('admin'), await make('read')];
    const details = async (more = {}) => (await look({ env: { ...env, ...more } })).get('access')?.detail;
    expect(await details()).toBe('0.0.0.0, other machines too, keys: 2 in the store (1 admin)');
    await store.apiKeys.revoke(ids[0]!);
    expect(await details({ METAHEAC_API_KEY: 'planted-secret-0123' })).toBe(
      '0.0.0.0, other machines too, keys: METAHEAC_API_KEY and 1 in the store (0 admin, 1 revoked or expired)',
    );
    await store.apiKeys.revoke(ids[1]!);
    await store.close();
    expect(await faultOf('access', { env })).toMatchObject({
      status: 'warning',
      detail: '0.0.0.0, other machines too, keys: 0 in the store (0 admin, 2 revoked or expired)',
    });
  });

  it('wants files with secrets closed, and never repeats what is in them', async () => {
    const folder = newFolder();
    const [key, config] = [join(folder, 'key'), join(folder, 'metaheac.yaml')];
    writeFileSync(key, 'planted-secret-0123\n', { mode: 0o644 });
    writeFileSync(config, 'api_key: planted-secret-0123\n', { mode: 0o644 });
    for (const [variable, path] of [
      ['METAHEAC_API_KEY_FILE', key],
      ['METAHEAC_CONFIG', config],
    ] as const) {
      const env = { [variable]: path };
      expect((await faultOf('secrets', { env })).advice).toBe(`Restrict access: chmod o-rwx ${path}`);
      chmodSync(path, 0o600);
      const all = await look({ env });
      expect(all.get('secrets')).toMatchObject({ status: 'ok' });
      expect(JSON.stringify([...all])).not.toContain('planted-secret');
    }
  });
});
