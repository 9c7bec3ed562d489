/** A whole server on real parts: a small imported population, a store and rankings in a temp folder. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { TestRunner } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { RANKING_READS } from '../../src/audience/reads.ts';
import { StreamEncoder } from '../../src/audience/stream/stream-encoder.ts';
import { UserAudiences } from '../../src/audience/user-audiences.ts';
import { writeRanking } from '../../src/audience/write-ranking.ts';
import type { Cluster } from '../../src/domain/ports/cluster.ts';
import type { CampaignStore } from '../../src/domain/ports/store.ts';
import type { DamagedRow } from '../../src/domain/ports/upkeep.ts';
import { rankingFolder } from '../../src/domain/ranking-name.ts';
import type { Timings } from '../../src/domain/run-facts.ts';
import { buildServer } from '../../src/http/app.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import { ServiceClock } from '../../src/lib/service-clock.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, openValueCheck, type Population, summariseVersions } from '../../src/population/read.ts';
import { DestinationWriter } from '../../src/service/destinations/destination-writer.ts';
import { DEFAULT_SERVICE_CONFIG, type ServiceConfig } from '../../src/service/limits.ts';
import { thisMachine } from '../../src/service/machine.ts';
import type { AudienceExplainer, CustomisedModels } from '../../src/service/ports/audiences.ts';
import type { Estimates } from '../../src/service/ports/estimates.ts';
import type { Damage, EngineStatus, Machine } from '../../src/service/ports/health.ts';
import type { ModelVersion } from '../../src/service/ports/models.ts';
import type { CampaignFeature, ModelFacts } from '../../src/service/ports/served.ts';
import { sampleUsers } from '../../src/service/served/population-activation.ts';
import { ValueCounts } from '../../src/service/served/value-counts.ts';
import { AudienceExplainer as ThreadedExplainer } from '../../src/service/threads/audience-explainer.ts';
import { ServiceEraser } from '../../src/service/upkeep/user-eraser.ts';
import { createAddressGuard, type Resolve } from '../../src/service/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../../src/service/webhooks/dispatcher.ts';
import { locateStore, openStore } from '../../src/storage/open-store.ts';
import { openContract } from '../fixture/api-document.ts';
import { undoAfterFiles, undoAfterTests } from '../fixture/cleanup.ts';
import { dataFolder, temporaryFolder } from '../fixture/folders.ts';
import { FEW_ODD_IDS } from '../fixture/odd-ids.ts';
import { RECEIPT } from '../fixture/receipt.ts';

export const USER_COUNT = 300;
export const ODD_IDS = FEW_ODD_IDS;
export const USER_IDS = [...ODD_IDS, ...Array.from({ length: USER_COUNT - ODD_IDS.length }, (_, i) => `person-${i}`)];
export const SEEDS = Array.from({ length: 20 }, (_, i) => `person-${i}`);

const CAMPAIGN_FEATURES: readonly CampaignFeature[] = [
  { name: 'category', kind: 'single', ...known(['shoes', 'hats']) },
  { name: 'genres', kind: 'multi', maxLength: 3, ...known(['drama', 'comedy']) },
];

function known(tokens: readonly string[]): Pick<CampaignFeature, 'isKnown' | 'values'> {
  return {
    isKnown: (value) => tokens.includes(value),
    values: { size: tokens.length + 1, token: (code) => tokens[code - 1]! },
  };
}

export const OK_BODY = {
  name: 'autumn shoes',
  features: { category: 'shoes', genres: ['drama'] },
  seeds: SEEDS,
  audience: { size: 50 },
};

const share = { '0.05': { mean: 0.5, low: 0.4, high: 0.6 } };
const MODEL_VERSION: ModelVersion = {
  ...{ version: '0123456789ab', name: 'small', createdAt: '2026-11-25T12:00:00.000Z', isServed: true, bytes: 1 },
  ...{ publishedAt: Date.UTC(2026, 10, 25), check: null },
};

function refuseModel(version: string): never {
  throw new AppError('model_not_found', `there is no model version ${version}`);
}

/** It has one version, the served one. */
function only(population: Population, version: string): void {
  if (version === population.version) return;
  throw new AppError('population_not_found', `there is no population version ${version}`);
}

export const MODEL_FACTS: ModelFacts = {
  name: 'test model',
  createdAt: '2026-11-25T12:00:00.000Z',
  adaptation: { optimiser: 'adam', negatives_per_seed: 10, summary: 'Adam at .003' },
  evaluation: {
    data: 'test',
    campaigns: '20 test campaigns',
    groups: { all: { campaigns: 20, auc: share['0.05'], precision: share, recall: share, lift: share } },
  },
};

/** The parts of a response that tests read; `json` is loosely typed on purpose. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  readonly json: any;
}

/** Answers of other parts of the service, which a test may replace. */
interface Answers {
  damage: readonly Damage[];
  models: CustomisedModels | null;
  estimates: Estimates;
  explainer: AudienceExplainer;
  engine(): EngineStatus;
}

export interface Fixture {
  readonly app: FastifyInstance;
  readonly store: CampaignStore;
  /** Not started: it looks for due deliveries when it is woken. */
  readonly webhooks: WebhookDispatcher;
  readonly population: Population;
  readonly dataDir: string;
  /** Everything that was logged. */
  readonly log: () => string;
  readonly wakes: () => number;
  /** How often the population was suspected of damage. */
  readonly suspicions: () => number;
  /** Called from now on for rows that reads find damaged. */
  onDamagedRow(call: (row: DamagedRow) => void): void;
  readonly answers: Answers;
  call(
    method: InjectOptions['method'],
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Creates a campaign of `body` and finishes it; the id. */
  createReady(body?: object): Promise<string>;
  /**
   * Acts as the engine: scores the oldest queued campaign. Scores fall with the user number unless `score` says
   * otherwise.
   */
  finishNext(score?: (userNumber: number) => number): Promise<void>;
  close(): Promise<void>;
}

/** Imports users, those of this file by default; shared by the tests of one file, as a population never changes. */
/** `identifiers`: rows of a file of identifiers, with the columns user_id, type, rule, value. */
export async function importUsers(
  userIds: readonly string[] = USER_IDS,
  identifiers: readonly string[] = [],
): Promise<Population> {
  const dir = temporaryFolder();
  const source = join(dir, 'data');
  mkdirSync(source);
  const features = [
    { name: 'city', kind: 'single' as const },
    { name: 'gender', kind: 'single' as const, sensitive: true },
  ];
  writeFileSync(
    join(source, 'dataset.json'),
    JSON.stringify({
      name: 'server-test',
      user_features: features.map((one) => (one.sensitive ? { ...one, excluded_for: ['housing'] } : one)),
      campaign_features: [],
    }),
  );
  const lines = userIds.map((user_id, i) =>
    JSON.stringify({ user_id, city: `c${i % 7}`, gender: i % 3 === 0 ? 'f' : 'm' }),
  );
  writeFileSync(join(source, 'users.ndjson'), `${lines.join('\n')}\n`);
  const out = join(dir, 'population');
  const identifierFile = join(dir, 'identifiers.csv');
  writeFileSync(identifierFile, ['user_id,type,rule,value', ...identifiers, ''].join('\n'));
  await importPopulation({ source, features, out, identifierFiles: [identifierFile] });
  return openPopulation(out);
}

export interface FixtureOptions {
  readonly clock?: Clock;
  /** Of few and small rankings by default, so that they make room for each other. */
  readonly rankings?: { readonly openRankings: number; readonly memoryBytes: number };
  /** The folder below which destinations may write; none by default. */
  readonly destinationsRoot?: string;
  /** Hosts to which webhooks may be sent, besides public ones. */
  readonly allowedHosts?: readonly string[];
  readonly resolve?: Resolve;
  /** Free bytes on the disk; plenty by default. */
  readonly freeBytes?: () => number;
  /** Facts about the machine that replace the real ones. */
  readonly machine?: Partial<Machine>;
  /** What the store shares with other nodes; by default, there are none. */
  readonly cluster?: Cluster;
}

const FEW_RANKINGS = { openRankings: 2, memoryBytes: 1024 };

const RESERVE_BYTES = 1_000_000;
const PLENTY_BYTES = 2 * RESERVE_BYTES;

function diskOf(freeBytes: number) {
  return { freeBytes, reserveBytes: RESERVE_BYTES, fault: null, isLow: freeBytes < RESERVE_BYTES };
}

/** Tests share the processors with others: load is shed only where that is tested. */
const UNHURRIED = { overloadLagMs: 1_000_000_000, overloadLookupLagMs: 1_000_000_000 };

const openedByTest = new Set<Fixture>();
const openedByFile = new Set<Fixture>();
for (const [opened, undo] of [
  [openedByTest, undoAfterTests],
  [openedByFile, undoAfterFiles],
] as const)
  undo(() => Promise.all([...opened].map((fixture) => fixture.close())));

/** A server, which is closed after the test that opens it, or else after the tests of the file. */
export async function openFixture(
  population: Population,
  wanted: Partial<ServiceConfig> = {},
  {
    clock: given = systemClock,
    allowedHosts = [],
    resolve,
    destinationsRoot,
    rankings: kept = FEW_RANKINGS,
    ...parts
  }: FixtureOptions = {},
): Promise<Fixture> {
  const config = { ...UNHURRIED, ...wanted };
  const clock = given instanceof ServiceClock ? given : new ServiceClock({ system: given });
  const dataDir = dataFolder();
  let reportRow: (row: DamagedRow) => void = () => {};
  const opened = await openStore(locateStore(dataDir), {
    onDamagedRow: (row) => reportRow(row),
    clock,
    minimumSeeds: 10,
    leaseMs: 30_000,
    maximumAttempts: 3,
  });
  const store: CampaignStore = { ...opened, cluster: parts.cluster ?? null };
  const rankings = new RankingCache(store.blobs, kept);
  const encoder = new StreamEncoder();
  const counts = new ValueCounts(() => population);
  let logged = '';
  let wakes = 0;
  let suspicions = 0;
  const threads = new ThreadedExplainer({
    population: population.path,
    store: locateStore(dataDir),
    limits: { tokens: 100, minimumGroupUsers: 20, minimumDisparityPercent: 80 },
  });
  const answers: Answers = {
    damage: [],
    models: null,
    estimates: { estimate: async () => ({ kind: 'loading' }) },
    explainer: threads,
    engine: () => ({ ready: true, detail: 'running', restarts: 0 }),
  };
  const machine: Machine = { ...thisMachine(dataDir), ...parts.machine };
  let onExpanded: (timings: Timings) => void = () => {};
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const logger = pino({ level: 'trace' }, sink);
  const guard = createAddressGuard(allowedHosts, resolve);
  const destinations = new DestinationWriter({
    ...{ store, population, rankings, encoder, guard, clock, reads: RANKING_READS },
    ...{ root: destinationsRoot ?? null, scratch: join(dataDir, 'deliveries') },
    config: { ...DEFAULT_SERVICE_CONFIG, ...config },
  });
  const webhooks = new WebhookDispatcher({
    ...{ outbox: store.outbox, guard, destinations },
    logger,
    clock,
    config: { ...DEFAULT_SERVICE_CONFIG, ...config },
  });
  const app = await buildServer({
    store,
    rankings,
    reads: RANKING_READS,
    userAudiences: new UserAudiences(store, rankings),
    encoder,
    population,
    served: () => ({
      epoch: 1,
      model: { version: 'model-1', facts: MODEL_FACTS, campaignFeatures: CAMPAIGN_FEATURES },
      population,
    }),
    models: {
      list: () => [MODEL_VERSION],
      get: (version) => (version === MODEL_VERSION.version ? MODEL_VERSION : refuseModel(version)),
      activate: async (version) => (version === MODEL_VERSION.version ? MODEL_VERSION : refuseModel(version)),
      rollback: async () => {
        throw new AppError('nothing_to_roll_back', 'no model was served before', {
          facts: { served_model_version: MODEL_VERSION.version },
        });
      },
    },
    populations: {
      importedAt: () => Date.UTC(2026, 10, 25),
      list: () => summariseVersions(population.path),
      activate: async (version) => only(population, version),
      coverage: async (version) => {
        only(population, version);
        const none = { values: null, unknownValues: null, unknownShare: null };
        return population.features.map(({ name }) => ({ name, users: population.rowCount, ...none }));
      },
      changes: async (since, version) => {
        for (const each of [since, version]) only(population, each);
        const same = { added: 0, removed: 0, kept: population.rowCount, changed: 0, changedByFeature: new Map() };
        return { ...same, addedFeatures: [], removedFeatures: [] };
      },
      countValues: (feature) => counts.of(feature),
      sample: sampleUsers,
      openValueCheck,
    },
    customisedModels: {
      manifest: (audience) => answers.models!.manifest(audience),
      onnx: (audience) => answers.models!.onnx(audience),
    },
    addressGuard: guard,
    eraser: new ServiceEraser({
      ...{ store, population, logger },
      maximumWaiting: config.maximumWaitingErasures ?? DEFAULT_SERVICE_CONFIG.maximumWaitingErasures,
    }),
    estimates: { estimate: (task, timeMs) => answers.estimates.estimate(task, timeMs) },
    explainer: { explain: (task) => answers.explainer.explain(task) },
    engine: () => answers.engine(),
    storage: {
      disk: () => diskOf(parts.freeBytes?.() ?? PLENTY_BYTES),
      reserveFileBytes: () => store.reserve.sizeBytes(),
      isReserveGivenUp: () => store.reserve.isGivenUp,
      damaged: () => ({ ranking: 0, user_set: 0, population: 0, row: 0 }),
      damage: () => answers.damage,
      suspectPopulation: () => {
        suspicions += 1;
      },
      scrubbed: () => ({ bytes: 0, passes: 0 }),
      setAside: async () => [],
      refuseIfLost: () => {},
    },
    machine,
    shared: null,
    onExpanded: (listener) => {
      onExpanded = listener;
    },
    wake: () => {
      wakes += 1;
    },
    ...{ webhooks, destinations },
    telemetry: null,
    logger,
    clock,
    config: { ...DEFAULT_SERVICE_CONFIG, ...config },
  });
  await checkAnswers(app);
  const call: Fixture['call'] = async (method, path, body, headers = {}) => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const response = await app.inject({
      ...(method === undefined ? {} : { method }),
      url: path,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) }),
    });
    const type = String(response.headers['content-type'] ?? '');
    return {
      status: response.statusCode,
      type,
      headers: response.headers,
      text: textOf(response),
      json: /[/+]json(;|$)/.test(type) ? JSON.parse(textOf(response)) : undefined,
    };
  };
  const finishNext: Fixture['finishNext'] = async (score = scoreOf) =>
    onExpanded(await finishJob(store, population, score));
  const openFixtures = TestRunner.getCurrentTest() === undefined ? openedByFile : openedByTest;
  const fixture: Fixture = {
    app,
    store,
    webhooks,
    population,
    dataDir,
    log: () => logged,
    wakes: () => wakes,
    suspicions: () => suspicions,
    onDamagedRow: (call) => {
      reportRow = call;
    },
    answers,
    call,
    createReady: async (body = OK_BODY) => {
      const created = await call('POST', '/v1/campaigns', body);
      if (created.status !== 202) throw new Error(created.text);
      await finishNext();
      return created.json.id;
    },
    finishNext,
    close: async () => {
      if (!openFixtures.delete(fixture)) return;
      await Promise.all([app.close(), webhooks.stop()]);
      await Promise.all([threads.close(), encoder.close()]);
      rankings.closeAll();
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  openFixtures.add(fixture);
  return fixture;
}

/** From now on an injected response that does not match the OpenAPI document fails its test. */
async function checkAnswers(app: FastifyInstance): Promise<void> {
  const contract = await openContract();
  const inject = app.inject.bind(app) as (request: InjectOptions) => Promise<LightMyRequestResponse>;
  const checked = async (request: InjectOptions) => {
    const response = await inject(request);
    const { statusCode: status, headers } = response;
    const url = typeof request.url === 'string' ? request.url : String(request.url?.pathname);
    const fault = contract.findFault({ method: request.method ?? 'GET', url, status, headers, text: textOf(response) });
    if (fault !== null) throw new Error(`not as openapi.yaml says: ${fault}`);
    return response;
  };
  app.inject = checked as typeof app.inject;
}

function textOf({ headers, rawPayload }: LightMyRequestResponse): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(rawPayload) : rawPayload).toString();
}

/** The score that `finishNext` gives, as in responses. */
export function scoreOf(userNumber: number): number {
  return (1_000 - userNumber) / 1_000;
}

const interval = { mean: 0.7, low: 0.6, high: 0.8 };
/** Of a ready campaign, with a field that this version of the API does not know. */
export const QUALITY = {
  epochs: 20,
  held_out: {
    held_out_seeds: 20,
    candidates: 280,
    auc: 0.7,
    standard_error: 0.05,
    recall: { '0.05': 0.3, '0.2': 0.5 },
  },
  prediction: {
    verdict: 'good',
    reason: 'held-out seeds rank above most candidates',
    auc: interval,
    recall: { '0.05': interval },
    lift: { '0.05': interval },
    drift: { measured: true, campaigns: 12, auc_before: interval },
  },
  of_tomorrow: 1,
};

async function finishJob(
  store: CampaignStore,
  population: Population,
  score: (userNumber: number) => number,
): Promise<Timings> {
  const job = await store.claim(`${process.pid}:test`);
  if (job === null) throw new Error('no job is queued');
  await store.pin(job, { modelVersion: 'model-1', populationVersion: population.version });
  await store.advance(job, { state: 'adapting', progress: 0.1 });
  const seeds = new Set([...(await store.setBlocks(job.sets.seeds))].flat());
  await store.advance(job, { state: 'scoring', progress: 0.5 });
  const scores = Float32Array.from({ length: population.directory.size }, (_, number) =>
    seeds.has(population.directory.id(number)) ? Number.NaN : score(number),
  );
  const folder = rankingFolder(job.campaignId, job.expansionId);
  const { candidates } = await writeRanking(store.blobs, folder, scores);
  const timings = { queued: 0.01, adapting: 0.5, scoring: 0.2, ranking: 0.1 };
  const isDone = await store.finish(job, {
    folder,
    candidates,
    populationSize: population.rowCount,
    excluded: { seeds: 3, suppressed: 0, filtered: 0 },
    timings,
    computedWith: { device: 'cpu', threads: 2, batchSize: 1024 },
    quality: QUALITY,
    receipt: RECEIPT,
  });
  if (!isDone) throw new Error('the lease was lost');
  return timings;
}
