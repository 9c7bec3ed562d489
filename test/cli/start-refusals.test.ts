/** Every way in which `serve` refuses to start: doctor names it on the same folders, failed, in the same words. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { examine } from '../../src/cli/commands/serve/doctor/examine.ts';
import { readMachine } from '../../src/cli/commands/serve/doctor/machine.ts';
import { doctorCommand } from '../../src/cli/commands/serve/doctor.ts';
import { serveCommand } from '../../src/cli/commands/serve/serve.ts';
import type { UserNumber } from '../../src/lib/brands.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { messageOf } from '../../src/lib/errors.ts';
import { createLogger } from '../../src/lib/logging.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { importModel } from '../../src/model/import/import-model.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { openFileLimit } from '../../src/service/open-files.ts';
import { readSettings } from '../../src/service/settings/environment.ts';
import { START_CHECKS, type StartCheck } from '../../src/service/start-checks.ts';
import { locateStore, lockStore, openStore } from '../../src/storage/open-store.ts';
import { fewDemoPeople } from '../fixture/demo-world.ts';
import { temporaryFolder, useFolders } from '../fixture/folders.ts';
import { mountDisk, unmountDisk } from '../fixture/full-disk.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { IS_LONG, IS_USUAL, itUsual } from '../fixture/size.ts';
import { type ServiceOptions, startService } from '../fixture/start-service.ts';
import { ofFewUsers, writeKinds } from '../online/kinds-model.ts';

const newFolder = useFolders();
const worldFolder = temporaryFolder();
const world = await fewDemoPeople(worldFolder);
const STORE = { clock: systemClock, minimumSeeds: 1, leaseMs: 1000, maximumAttempts: 1 };
const WITHOUT_ENGINE = START_CHECKS.filter(({ check }) => check !== 'model loads');

/** Of a documentation's range. */
const ELSEWHERE = { METAHEAC_HOST: '192.0.2.1', METAHEAC_API_KEY: 'planted-secret-0123' };

/** Folders of its own for a test, and settings. */
interface Place {
  readonly data: string;
  readonly model: string;
  readonly population: string;
  readonly env: Record<string, string>;
  readonly limits: { reservedDescriptors?: number };
}

async function newPlace(): Promise<Place> {
  const folder = newFolder();
  const [data, model, population] = [join(folder, 'data'), join(folder, 'model'), join(folder, 'population')];
  cpSync(world.model, model, { recursive: true });
  cpSync(world.population, population, { recursive: true });
  (await lockStore(locateStore(data)))();
  await (await openStore(locateStore(data), STORE)).close();
  const folders = { METAHEAC_DATA_DIR: data, METAHEAC_MODEL: model, METAHEAC_POPULATION: population };
  return {
    data,
    model,
    population,
    env: { ...folders, METAHEAC_DEVICE: 'cpu', METAHEAC_PORT: '0', METAHEAC_THREADS: '1' },
    limits: {},
  };
}

/** All that lies below, with its bytes and times. */
function stateOf(folder: string): string[] {
  if (!statSync(folder).isDirectory()) return [readFileSync(folder, 'base64')];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mtimeMs, size } = statSync(join(folder, name));
      return `${name} ${mtimeMs} ${size}`;
    })
    .sort();
}

/** What a start says; a service that starts all the same is closed, and is a fault of the test. */
async function refusalOf({ env, limits }: Place): Promise<string> {
  const { values } = readSettings(env, {}, limits);
  const options: ServiceOptions = {
    dataDir: values.METAHEAC_DATA_DIR!,
    model: values.METAHEAC_MODEL!,
    population: values.METAHEAC_POPULATION!,
    host: values.METAHEAC_HOST,
    port: values.METAHEAC_PORT,
    apiKey: values.METAHEAC_API_KEY ?? null,
    trustedProxies: values.METAHEAC_TRUSTED_PROXIES,
    device: values.METAHEAC_DEVICE,
    threads: 1,
    logLevel: 'silent',
    limits: values.limits,
    webhookAllowedHosts: [],
    logger: createLogger('silent', 'test'),
    clock: systemClock,
  };
  let service: Awaited<ReturnType<typeof startService>> | null = null;
  try {
    service = await startService(options);
    await service.engineReady;
  } catch (error) {
    return messageOf(error);
  } finally {
    await service?.close();
  }
  throw new Error('the service has started');
}

/** Doctor's failed lines, while nothing is changed. */
async function failuresOf(
  { env, limits, data, model, population }: Place,
  checks: readonly StartCheck[] = WITHOUT_ENGINE,
) {
  const folders = [data, model, population];
  const before = folders.map(stateOf);
  const settings = readSettings(env, {}, limits);
  const machine = { ...readMachine(), openFiles: openFileLimit() };
  const all = await examine({ settings, machine, clock: systemClock, userId: process.getuid?.() ?? null, checks });
  expect(folders.map(stateOf)).toEqual(before);
  return all.filter(({ status }) => status === 'failed');
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

/** The first file below whose name matches. */
function find(folder: string, pattern: RegExp): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return join(folder, names.find((name) => pattern.test(name) && statSync(join(folder, name)).isFile())!);
}

async function eraseAndHarm({ population }: Place): Promise<void> {
  const opened = openPopulation(population);
  await eraseUsers(
    population,
    [0, 1].map((number) => opened.directory.id(number as UserNumber)),
    opened,
  );
  const path = join(population, 'erased.bin');
  writeFileSync(path, readFileSync(path).fill(7, 0, 24));
}

async function takePort({ env }: Place): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  env['METAHEAC_PORT'] = String((server.address() as AddressInfo).port);
}

function setVersion({ data }: Place): void {
  const path = join(data, 'metaheac.db');
  const bytes = readFileSync(path);
  bytes.writeUInt32BE(999, 60);
  writeFileSync(path, bytes);
}

function loseDatabase({ data }: Place): void {
  for (const name of readdirSync(data)) if (name.startsWith('metaheac.db')) rmSync(join(data, name));
  mkdirSync(join(data, 'seeds'), { recursive: true });
  writeFileSync(join(data, 'seeds', `${'0'.repeat(64)}.txt`), 'a\n');
}

/** Another database than the one that is there. */
async function saveAnother({ data }: Place): Promise<void> {
  const other = newFolder();
  await (await openStore(locateStore(other), STORE)).close();
  copyFileSync(join(other, 'metaheac.db'), join(data, 'metaheac.db.saved-2026-11-28T00-00-00-000Z'));
}

/** Without all but one of the features that the model needs. */
async function importOther({ population }: Place): Promise<void> {
  rmSync(population, { recursive: true });
  const features = readModelFolder(world.model).manifest.features.user.map(featureOf).slice(0, 1);
  await importPopulation({ source: join(worldFolder, 'data'), features, out: population });
}

/** It and a population of its features. */
async function importUnable({ model, population }: Place): Promise<void> {
  for (const folder of [model, population]) rmSync(folder, { recursive: true });
  const exported = writeKinds(newFolder(), ofFewUsers);
  const [file, schema] = [join(exported, 'export.onnx'), join(exported, 'schema.json')];
  await importModel({ file, schema, out: model, created: '2026-11-28T12:00:00.000Z' });
  const features = readModelFolder(model).manifest.features.user.map(featureOf);
  const source = newFolder();
  const description = { name: 'kinds', user_features: features, campaign_features: [] };
  writeFileSync(join(source, 'dataset.json'), JSON.stringify(description));
  writeFileSync(
    join(source, 'users.ndjson'),
    Array.from({ length: 40 }, (_, i) => `{"user_id":"u${i}","age":${i},"hist":null,"place":null}\n`).join(''),
  );
  await importPopulation({ source, features, out: population });
}

function replaceByFile({ data }: Place): void {
  rmSync(data, { recursive: true });
  writeFileSync(data, '');
}

type Harm = (place: Place) => void | Promise<void>;

function set(variable: string, value: string): Harm {
  return ({ env }) => {
    env[variable] = value;
  };
}

describe('what serve refuses at a start, doctor names in the same words', () => {
  itUsual.each<[string, string, Harm]>([
    ['a flipped byte in a segment', 'population', (at) => flip(find(at.population, /^[0-9a-f]{12}\/.*seg/))],
    ['no current', 'population', (at) => rmSync(join(at.population, 'current'))],
    ['damaged erasures', 'erased users', eraseAndHarm],
    ["a flipped byte in the model's graph", 'model', (at) => flip(join(at.model, 'model.onnx'))],
    ['no model', 'model', set('METAHEAC_MODEL', join(worldFolder, 'none'))],
    ['a database that is gone', 'database', loseDatabase],
    ['a database of a later version', 'database', setVersion],
    ['a saved database to choose', 'saved database', saveAnother],
    ['a locked data folder', 'lock', async (at) => onTestFinished(await lockStore(locateStore(at.data)))],
    ['a port in use', 'port', takePort],
    ['an address that is not of this machine', 'port', ({ env }) => void Object.assign(env, ELSEWHERE)],
    ['a public host without a key', 'access', set('METAHEAC_HOST', '0.0.0.0')],
    [
      'too few open files',
      'open files',
      ({ limits }) => void Object.assign(limits, { reservedDescriptors: openFileLimit() }),
    ],
  ])('%s', async (_what, check, harm) => {
    const place = await newPlace();
    await harm(place);
    // first, as a start may change what it refuses
    const failures = await failuresOf(place);
    const words = await refusalOf(place);
    expect(failures.map((one) => [one.check, one.detail])).toEqual([[check, words]]);
    expect(failures[0]!.advice).toMatch(/./);
  });

  itUsual('a data folder that cannot be made: doctor does not try, and says why it cannot be', async () => {
    const place = await newPlace();
    replaceByFile(place);
    const detail = `${place.data} is not a folder`;
    expect(await failuresOf(place)).toContainEqual(expect.objectContaining({ check: 'data folder', detail }));
    expect(await refusalOf(place)).toBe(detail);
  });
});

/** Root may write everything but this; where it cannot be mounted the test is left out, and in CI it fails instead. */
it.runIf(IS_USUAL && (canMount() || process.env['CI']))(
  'a data folder on a read-only disk: both refuse it',
  async () => {
    const place = await newPlace();
    expect(mountDisk(place.data, '1m')).toBe(true);
    try {
      expect(spawnSync('mount', ['-o', 'remount,ro', place.data]).status).toBe(0);
      const detail = await refusalOf(place);
      expect(detail).toContain(`${place.data} is not writable`);
      expect(await failuresOf(place)).toContainEqual(expect.objectContaining({ check: 'data folder', detail }));
    } finally {
      unmountDisk(place.data);
    }
  },
);

function canMount(): boolean {
  const folder = temporaryFolder();
  const isMounted = mountDisk(folder, '1m');
  if (isMounted) unmountDisk(folder);
  return isMounted;
}

/** Each case loads a model in an engine, twice. */
const OF_ENGINE: readonly (readonly [string, string, Harm])[] = [
  [
    'a golden batch that is not reproduced',
    'model loads',
    ({ model }) =>
      void writeVariant(world.model, model, ({ golden_batch: golden }) => ({
        golden_batch: { ...golden, scores: golden.scores.map((score) => 1 - score) },
      })),
  ],
  ['a model that does not fit the population', 'model and population', importOther],
  ['a model that loads and that no expansion can run', 'model loads', importUnable],
];

describe('what the engine refuses at a start, doctor names in the same words', () => {
  it.each(OF_ENGINE.filter((_, i) => (i === 0 ? IS_USUAL : IS_LONG)))(
    '%s',
    { timeout: 180_000 },
    async (_what, check, harm) => {
      const place = await newPlace();
      await harm(place);
      const failures = await failuresOf(place, START_CHECKS);
      const words = await refusalOf(place);
      expect(failures.map((one) => [one.check, one.detail])).toEqual([[check, words]]);
    },
  );
});

describe('settings that serve refuses, doctor names in the same words', () => {
  const folder = temporaryFolder();
  const written = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  itUsual.each<[string, Record<string, string>]>([
    ['a file with an unknown key', { METAHEAC_CONFIG: written('key.yaml', 'hsot: a\n') }],
    ['a file with a bad value', { METAHEAC_CONFIG: written('value.yaml', 'threads: two\n') }],
    ['an unknown variable', { METAHEAC_LEASE: '1' }],
  ])('%s', async (_what, env) => {
    for (const [name, value] of Object.entries(env)) process.env[name] = value;
    onTestFinished(() => {
      for (const name of Object.keys(env)) delete process.env[name];
    });
    const printed: string[] = [];
    const output = { result: (line: string) => void printed.push(line), note: () => {} };
    const words = await serveCommand({}, output as never).then(
      () => 'started',
      (error: unknown) => messageOf(error),
    );
    expect(await doctorCommand({ json: true } as never, output as never)).toBe(false);
    const { status, checks } = JSON.parse(printed.join(''));
    expect(status).toBe('failed');
    expect(checks).toMatchObject([{ check: 'settings', status: 'failed', detail: words }]);
  });
});
