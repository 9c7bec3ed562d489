/** Examines everything that `serve` needs, and changes nothing. */
import { existsSync } from 'node:fs';
import type { KeyCounts, StoreInspection } from '../../../../domain/ports/store.ts';
import { type Clock, systemClock } from '../../../../lib/clock.ts';
import { isLoopback, requireKeyFor } from '../../../../lib/listening.ts';
import { createLogger } from '../../../../lib/logging.ts';
import { publishedAt } from '../../../../population/read.ts';
import { requireFilesOfEngine, withinOpenFiles } from '../../../../service/open-files.ts';
import { modeOf, openToOthers } from '../../../../service/paths.ts';
import type { ServiceEnvironment, Settings } from '../../../../service/settings/environment.ts';
import { namesOf, SETTINGS } from '../../../../service/settings/setting-list.ts';
import { START_CHECKS, Start, type StartCheck, tryPort } from '../../../../service/start-checks.ts';
import { inspectStore, locateStore } from '../../../../storage/open-store.ts';
import {
  describeModel,
  describePopulation,
  examineBinding,
  examineErasures,
  examinePromoted,
  sizeOf,
} from './artefacts.ts';
import { examineCluster } from './cluster.ts';
import { describeDataFolder, examineDatabase, examineSaved, examineSetAside, examineSpace } from './data-folder.ts';
import { type Finding, failed, findings, fine, warning } from './finding.ts';
import {
  describeOpenFiles,
  examineClock,
  examineDevice,
  examineMemory,
  examineNode,
  examineProcessors,
  type Machine,
} from './machine.ts';

export interface Patient {
  readonly settings: Settings;
  readonly machine: Machine;
  readonly clock: Clock;
  /** The user id of this process; null if the system has no user ids. */
  readonly userId: number | null;
  /** The startup checks to run; all of them by default. */
  readonly checks?: readonly StartCheck[];
}

/**
 * Collects findings in the order of the report: folders, machine, network. The startup checks find everything that
 * would prevent `serve` from starting; doctor adds what it knows about the rest.
 */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { settings, machine } = patient;
  if (settings.values.METAHEAC_STORE !== undefined) return examineMember(patient);
  const start = startOf(settings, machine.openFiles);
  return start === null ? examineWithoutFolders(patient) : examineStart(patient, start);
}

/** Examines what a node or an engine of a cluster needs. */
async function examineMember({ settings, machine, clock }: Patient): Promise<readonly Finding[]> {
  const { values } = settings;
  const { METAHEAC_HOST: host, METAHEAC_PORT: port, METAHEAC_API_KEY: key, METAHEAC_TRUSTED_PROXIES: proxies } = values;
  const threads = values.METAHEAC_THREADS ?? machine.processors;
  const { findings: found, keys } = await examineCluster(values, clock);
  return [
    ...found,
    examineNode(machine),
    examineProcessors(machine, threads),
    ...(await findings('open files', 'Raise the hard limit (LimitNOFILE=, ulimit -Hn).', () => {
      withinOpenFiles(values.limits, machine.openFiles);
      requireFilesOfEngine(threads, machine.openFiles);
      return [describeOpenFiles(machine, values.limits.openRankings)];
    })),
    ...(await examineDevice(values.METAHEAC_DEVICE)),
    ...(await findings('access', 'Set a key, or create a key: metaheac keys create.', () => {
      requireKeyFor(host, key !== undefined || (keys?.made ?? 0) > 0, proxies);
      return [describeAccess(settings, keys)];
    })),
    examineSecrets(settings),
    ...(await findings('port', 'Choose another --port, or an address of this machine.', async () => {
      await tryPort({ host, port });
      return [describePort(settings)];
    })),
  ];
}

/** Examines the machine if it is unknown which folders the service would use. */
async function examineWithoutFolders({ settings, machine }: Patient): Promise<readonly Finding[]> {
  const { values } = settings;
  const variables = { METAHEAC_DATA_DIR: 'data folder', METAHEAC_MODEL: 'model', METAHEAC_POPULATION: 'population' };
  return [
    ...Object.entries(variables)
      .filter(([variable]) => values[variable as keyof typeof variables] === undefined)
      .map(([variable, check]) => notGiven(check, variable as keyof typeof variables)),
    examineNode(machine),
    examineProcessors(machine, values.METAHEAC_THREADS ?? machine.processors),
    ...(await examineDevice(values.METAHEAC_DEVICE)),
    examineSecrets(settings),
  ];
}

async function examineStart(patient: Patient, start: Start): Promise<readonly Finding[]> {
  const { settings, machine, clock, userId, checks = START_CHECKS } = patient;
  const { values } = settings;
  const { dataDir, population } = start.options;
  const { store, unreadable } = await inspect(dataDir, clock);
  const keys = store.contents?.keys ?? null;
  const device = await examineDevice(values.METAHEAC_DEVICE);
  const hasDevice = device.every(({ status }) => status !== 'failed');
  const all = await findRefusals(start, checks, (keys?.made ?? 0) > 0, hasDevice);
  // a running service holds both
  const isRunning = ['lock', 'port'].every((name) => all.some(({ check }) => check === name));
  const refusals = isRunning ? all.filter(({ check }) => check !== 'lock' && check !== 'port') : all;
  const isRefused = (name: string) => refusals.some(({ check }) => check === name);
  const canServe = !['model', 'promoted models', 'erased users', 'population'].some(isRefused);
  const ofBinding = canServe ? await examineBinding(start.models.served, start.population) : [];
  const found = async (name: string, own: () => readonly Finding[]) => {
    const refused = refusals.filter(({ check }) => check === name);
    return refused.length > 0 ? refused : await findings(name, READ_ADVICE, own);
  };
  const users = canServe ? start.population.directory.size : 0;
  const modelBytes = isRefused('model') || isRefused('promoted models') ? 0 : sizeOf(start.models.served);
  const threads = values.METAHEAC_THREADS ?? machine.processors;
  const cacheBytes = values.limits.rankingMemoryBytes;
  const inUse = 'a service is using this folder: a second service would be refused';
  return [
    ...(await found('data folder', () => [describeDataFolder(dataDir, userId)])),
    ...(await found('database', () => (unreadable.length > 0 ? unreadable : [examineDatabase(store.contents)]))),
    ...(await found('saved database', () => examineSaved(store.saved))),
    ...examineSetAside(store.setAside),
    ...(await found('lock', () => [fine('lock', isRunning ? inUse : 'not held')])),
    examineSpace(dataDir, users, store.contents?.campaigns ?? 0),
    ...(await found('model', () => [describeModel(start.given)])),
    ...(await found('promoted models', () =>
      isRefused('model') ? [] : [examinePromoted(dataDir, start.given.manifest.version)],
    )),
    ...(checks.some(({ check }) => check === 'model loads') && hasDevice && canLoad() ? await loading() : []),
    ...(await found('erased users', () => (isRefused('population') ? [] : examineErasures(population)))),
    ...(await found('population', () => (isRefused('erased users') ? [] : [describePopulation(start.population)]))),
    ...ofBinding,
    examineNode(machine),
    examineProcessors(machine, threads),
    examineMemory(machine, { users, modelBytes, threads, cacheBytes }, store.isTaken),
    ...(await found('open files', () => [describeOpenFiles(machine, values.limits.openRankings)])),
    ...device,
    examineClock(clock.now(), canServe ? newestOf(start) : 0),
    ...(await found('access', () => [describeAccess(settings, keys)])),
    examineSecrets(settings),
    ...(await found('port', () => [describePort(settings)])),
  ];

  function canLoad(): boolean {
    return !isRefused('model') && !isRefused('promoted models');
  }

  /** If the model does not fit the population, the engine fails with the same message. */
  async function loading(): Promise<readonly Finding[]> {
    const own = fine('model loads', 'one thread reproduced the golden batch and ran a test expansion');
    const tried = await found('model loads', () => [own]);
    return tried.filter(({ detail }) => ofBinding.every((one) => one.detail !== detail));
  }
}

const READ_ADVICE = 'Run doctor as the user that runs the service, and check the disk and the owner of the files.';
const NO_STORE: StoreInspection = { isTaken: false, contents: null, stranded: null, saved: [], setAside: [] };

/** Reads the store, whether or not a service is running. */
async function inspect(dataDir: string, clock: Clock) {
  let store = NO_STORE;
  const unreadable = await findings('database', READ_ADVICE, async () => {
    if (existsSync(dataDir)) store = await inspectStore(locateStore(dataDir), clock.now());
    return [];
  });
  return { store, unreadable };
}

/** When the newest file was created, in milliseconds since 1970. */
function newestOf({ models, population: { path, version } }: Start): number {
  return Math.max(createdAt(models.served.manifest.created), publishedAt(path, version));
}

function notGiven(check: string, variable: keyof ServiceEnvironment & string): Finding {
  const { flag, key } = namesOf(variable);
  return failed(check, 'not given', `Set ${flag}, ${variable}, or ${key} in a configuration file.`);
}

/** A time in milliseconds since 1970; 0 if the text is not a time. */
function createdAt(text: string | undefined): number {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? 0 : at;
}

/** `stored` counts the keys in the store; null if there is no store or its keys cannot be read. */
function describeAccess({ values }: Settings, stored: KeyCounts | null): Finding {
  const { METAHEAC_HOST: host, METAHEAC_API_KEY: key, METAHEAC_TRUSTED_PROXIES: proxies } = values;
  const check = 'access';
  const isPrivate = isLoopback(host) && proxies.length === 0;
  const where = isPrivate ? `${host}, this machine only` : `${host}, other machines too`;
  const detail = `${where}, ${describeKeys(key !== undefined, stored)}`;
  if (key !== undefined || stored === null || stored.made === 0 || stored.valid > 0) return fine(check, detail);
  return warning(check, detail, 'Nobody has access: create a key with metaheac keys create, or set METAHEAC_API_KEY.');
}

function describeKeys(isGiven: boolean, stored: KeyCounts | null): string {
  const given = isGiven ? ['METAHEAC_API_KEY'] : [];
  if (stored === null || stored.made === 0) return isGiven ? `keys: ${given[0]}` : 'without a key';
  const { made, valid, admin } = stored;
  const gone = made === valid ? '' : `, ${made - valid} revoked or expired`;
  return `keys: ${[...given, `${valid} in the store (${admin} admin${gone})`].join(' and ')}`;
}

/** Examines the permissions of secret files. */
function examineSecrets({ origins }: Settings): Finding {
  const check = 'secrets';
  const files = SETTINGS.flatMap(({ variable, secretFile }) => {
    const origin = secretFile === null ? undefined : origins.get(variable);
    if (origin === undefined || origin.kind === 'default') return [];
    if (origin.secretFile !== undefined) return [origin.secretFile];
    return origin.kind === 'file' ? [origin.path] : [];
  });
  const open = files.find((file) => openToOthers(file) !== null);
  if (open !== undefined)
    return warning(
      check,
      `${open} holds a key and can be ${openToOthers(open)} by every user of the machine (mode ${modeOf(open)})`,
      `Restrict access: chmod o-rwx ${open}`,
    );
  return fine(check, files.length === 0 ? 'none in files' : `${files.join(', ')} not accessible to other users`);
}

function describePort({ values }: Settings): Finding {
  const { METAHEAC_HOST: host, METAHEAC_PORT: port } = values;
  return fine('port', port === 0 ? 'any free port' : `${port} on ${host} is free`);
}

/** Checks that must pass before the engine is tried. */
const MODELS = ['model', 'promoted models'];

/** Returns null if a required folder was not named. `openFiles` is the limit of the machine. */
function startOf({ values }: Settings, openFiles: number | null): Start | null {
  const { METAHEAC_DATA_DIR: dataDir, METAHEAC_MODEL: model, METAHEAC_POPULATION: population } = values;
  if (dataDir === undefined || model === undefined || population === undefined) return null;
  return new Start(
    {
      ...{ dataDir, model, population },
      ...{ host: values.METAHEAC_HOST, port: values.METAHEAC_PORT, apiKey: values.METAHEAC_API_KEY ?? null },
      metricsKey: values.METAHEAC_METRICS_KEY ?? null,
      allowedHosts: values.METAHEAC_ALLOWED_HOSTS,
      corsOrigins: values.METAHEAC_CORS_ORIGINS,
      trustedProxies: values.METAHEAC_TRUSTED_PROXIES,
      webhookAllowedHosts: values.METAHEAC_WEBHOOK_ALLOWED_HOSTS,
      ...{ device: values.METAHEAC_DEVICE, threads: values.METAHEAC_THREADS ?? null, limits: values.limits },
      ...{ logger: createLogger('silent', 'doctor'), clock: systemClock },
    },
    openFiles,
  );
}

/**
 * Runs every startup check even if an earlier check has failed, to list everything that must be fixed. `hasKeys`: the
 * store has keys; `hasDevice`: the device can be used.
 */
async function findRefusals(
  start: Start,
  checks: readonly StartCheck[],
  hasKeys: boolean,
  hasDevice: boolean,
): Promise<readonly Finding[]> {
  const refusals: Finding[] = [];
  for (const { check, advice, look } of checks) {
    const isLoadable = hasDevice && !refusals.some((refusal) => MODELS.includes(refusal.check));
    if (check === 'model loads' && !isLoadable) continue;
    const found = await findings(check, advice, async () => {
      await look(start, () => hasKeys);
      return [];
    });
    // several checks may read the same thing and fail with the same message
    refusals.push(...found.filter(({ detail }) => refusals.every((refusal) => refusal.detail !== detail)));
  }
  return refusals;
}
