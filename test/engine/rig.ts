/** A real engine under its supervisor, on a data folder of its own: what the API process does with it, without HTTP. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { CampaignStore } from '../../src/domain/ports/store.ts';
import { isEnd } from '../../src/domain/states.ts';
import type { AudienceRequest, Campaign } from '../../src/domain/types.ts';
import type { SharedConfig } from '../../src/engine/shared-versions.ts';
import { EngineSupervisor } from '../../src/engine/supervisor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logging.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { locateStore, openStore } from '../../src/storage/open-store.ts';
import { dataFolder } from '../fixture/folders.ts';
import { findChild } from '../fixture/processes.ts';
import { type StageName, Stages } from '../fixture/stages.ts';
import { openStates, type States } from '../fixture/states.ts';
import type { TinyCampaign } from '../fixture/tiny-world.ts';

export interface RigOptions {
  readonly model: string;
  readonly population: string;
  /** Where the engine gets the model and the population from, instead of the folders above. */
  readonly shared?: SharedConfig;
  /** What the API process would name; the folder's by default. */
  readonly modelVersion?: string;
  /** One by default: each takes most of a second of processor time to start. */
  readonly threads?: number;
  readonly maximumAttempts?: number;
  readonly userSideBytes?: number;
  readonly rehearsedUsers?: number;
  readonly device?: string;
  /** One that an engine before has worked in; a new one by default. */
  readonly dataDir?: string;
}

export interface Rig {
  readonly dataDir: string;
  readonly store: CampaignStore;
  readonly supervisor: EngineSupervisor;
  /** Reads a campaign's state without a turn of the event loop. */
  readonly states: States;
  /** Process id of the engine. */
  engine(): number;
  create(
    campaign: TinyCampaign,
    change?: { seeds?: readonly string[]; name?: string; externalId?: string; audience?: AudienceRequest },
  ): Promise<string>;
  /** The campaign when its expansion has ended; progress must never have fallen on the way. */
  ended(id: string): Promise<Campaign>;
  /** The ranking folder of a campaign's only expansion, as its campaign names it. */
  folderOf(id: string): Promise<string>;
  /** What lies in the campaign's folder: expansions, and what is being written. */
  entriesOf(id: string): string[];
}

/** Starts an engine and waits until it is ready; everything is gone after the test. */
export async function startRig(options: RigOptions): Promise<Rig> {
  const rig = await buildRig(options);
  await rig.supervisor.start();
  return rig;
}

/** The same, with an engine that is not started yet. */
export async function buildRig(options: RigOptions): Promise<Rig> {
  const dataDir = options.dataDir ?? dataFolder();
  const limits = { minimumSeeds: 10, leaseMs: 15_000, maximumAttempts: options.maximumAttempts ?? 5 };
  const locator = locateStore(dataDir);
  const store = await openStore(locator, { clock: systemClock, ...limits });
  const population = openPopulation(options.population);
  const version = options.modelVersion ?? readModelFolder(options.model).manifest.version;
  const models = join(dataDir, 'models');
  const { shared } = options;
  const model = { version, folder: shared ? join(models, version) : options.model };
  const served = { epoch: 1, model, populationVersion: population.version };
  const supervisor = new EngineSupervisor(
    {
      store: locator,
      models,
      population: shared ? join(dataDir, 'mirror') : options.population,
      ...(shared && { shared }),
      device: options.device ?? 'cpu',
      threads: options.threads ?? 1,
      ...limits,
      clockOffsetMs: systemClock.now() - systemClock.elapsed(),
      keptWorkMs: 0,
      rangeSegments: 16,
      expands: true,
      userSideBytes: options.userSideBytes ?? 0,
      userSides: 1,
      rehearsedUsers: options.rehearsedUsers ?? Number.POSITIVE_INFINITY,
      diskReserveBytes: 0,
      reserveExpected: false,
      logLevel: 'silent',
      telemetry: null,
    },
    () => served,
    store,
    createLogger('silent', 'test'),
  );
  const states = openStates(dataDir);
  onTestFinished(async () => {
    await supervisor.stop();
    states.close();
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const progress = new Map<string, number>();
  const entriesOf = (id: string) => {
    const folder = join(dataDir, 'audiences', id);
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  return {
    dataDir,
    store,
    supervisor,
    states,
    engine() {
      const pid = findChild(process.pid, 'engine/engine');
      if (pid === null) throw new Error('no engine runs');
      return pid;
    },
    async create(campaign, { seeds = campaign.seeds, name = 'test', externalId, audience = { size: 100 } } = {}) {
      const { id } = await store.create(
        { externalId, name, features: campaign.features, featureCounts: { unknown: 0, missing: 0 }, seeds, audience },
        (userId) => population.directory.find(userId) >= 0,
      );
      supervisor.wake();
      return id;
    },
    async ended(id) {
      for (;;) {
        const campaign = await store.get(id);
        const before = progress.get(id) ?? 0;
        if (campaign.progress < before) throw new Error(`progress fell from ${before} to ${campaign.progress}`);
        progress.set(id, campaign.progress);
        if (isEnd(campaign.state!)) return campaign;
        await sleep(10);
      }
    },
    folderOf: async (id) => join(dataDir, (await store.activeAudience(id)).folder),
    entriesOf,
  };
}

/** A new campaign, at a stage of whose expansion the engine stands still until it is continued with SIGCONT. */
export function freezeAt(rig: Rig, name: StageName, campaign: TinyCampaign, stages = new Stages()): Promise<string> {
  const { states, ended } = rig;
  return stages.freezeAt(name, { engine: rig.engine(), states, create: () => rig.create(campaign), ended });
}
