/** Engines of several hosts in one process, with one store, one population and one model. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { BlobFiles } from '../../../src/domain/ports/blob-files.ts';
import type { OfferState, RangeClaim, RangeOffer } from '../../../src/domain/ports/ranges.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { RangeChoice } from '../../../src/domain/range-choice.ts';
import type { RangeResult } from '../../../src/domain/ranges.ts';
import { isEnd } from '../../../src/domain/states.ts';
import type { Campaign, Job, NewCampaign } from '../../../src/domain/types.ts';
import { Engine, type EngineDependencies } from '../../../src/engine/engine.ts';
import type { EngineModels, LoadedModel } from '../../../src/engine/engine-models.ts';
import { openEngineModels } from '../../../src/engine/engine-start.ts';
import { Checkpoints } from '../../../src/engine/expansion/checkpoints.ts';
import { Pace } from '../../../src/engine/expansion/work-time.ts';
import { type Heartbeat, Pulse } from '../../../src/engine/heartbeat.ts';
import type { EngineConfig } from '../../../src/engine/messages.ts';
import { openSharedVersions } from '../../../src/engine/shared-versions.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import { readModelFolder } from '../../../src/model/folder.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { locateStore, openStore } from '../../../src/storage/open-store.ts';
import { MemoryRanges } from '../../domain/contract/memory-ranges.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { dataFolder } from '../../fixture/folders.ts';
import type { TinyCampaign } from '../../fixture/tiny-world.ts';
import { Mortal } from './mortal.ts';

const LIMITS = { minimumSeeds: 10, maximumAttempts: 5 };
const LEASE_MS = 1_500;

export interface ClusterOptions {
  readonly model: string;
  readonly population: string;
  /** Without it, the store has no ranges, as an embedded one. */
  readonly rangeSegments?: number;
  /** Where hosts mirror the population from; without it, they have the folder. */
  readonly files?: BlobFiles;
  /** The limit of each host's mirror. */
  readonly mirrorBytes?: number;
  /** 1.5 s by default. */
  readonly leaseMs?: number;
  /** Models that hosts of earlier tests have loaded; by default, each host loads its own. */
  readonly loaded?: LoadedOnHosts;
}

/** The models of hosts that have outlived their tests. Loading one takes seconds of processor time. */
export class LoadedOnHosts {
  readonly #idle: { readonly population: string; readonly models: EngineModels }[] = [];

  take(population: string): EngineModels | null {
    const at = this.#idle.findIndex((idle) => idle.population === population);
    return at < 0 ? null : this.#idle.splice(at, 1)[0]!.models;
  }

  giveBack(population: string, models: EngineModels): void {
    this.#idle.push({ population, models });
  }

  async close(): Promise<void> {
    for (const { models } of this.#idle.splice(0)) await models.close();
  }
}

export interface HostOptions {
  /** What the host computes for the golden batch; by default, what its processor does. */
  readonly goldenSha256?: string;
  /** Whether adaptations take all its threads; by default, what is true. */
  readonly isAdapting?: boolean;
}

/** A campaign, perhaps with a category and groups, or with weights of seeds and with negatives. */
export interface TaughtCampaign extends TinyCampaign {
  readonly rules?: Pick<NewCampaign, 'category' | 'fourFifths'>;
  readonly taught?: {
    readonly weightOf: (place: number) => number;
    readonly negatives: readonly string[];
    readonly negativeWeight: number;
  };
}

/** A host with an engine. */
export interface Host {
  readonly owner: string;
  /** The engine's last heartbeat. */
  heartbeat(): Heartbeat;
  /** Ends the host's dealings with the rest of the world in the middle of whatever it does. */
  kill(): void;
  /** Stops the host like SIGSTOP: its calls wait until it is continued. */
  freeze(): void;
  thaw(): void;
}

/** What a test does when ranges are offered, claimed and finished, before the host learns of it. */
export interface RangeEvents {
  offered(owner: string): void | Promise<void>;
  claimed(owner: string): void | Promise<void>;
  /** The result of a range has counted. */
  finished(owner: string): void | Promise<void>;
}

class ToldRanges extends MemoryRanges {
  readonly events: RangeEvents = { offered() {}, claimed() {}, finished() {} };

  override async offer(job: Job, offer: RangeOffer): Promise<boolean> {
    const isOffered = await super.offer(job, offer);
    if (isOffered) await this.events.offered(job.owner);
    return isOffered;
  }

  override async claim(choice: RangeChoice): Promise<readonly RangeClaim[]> {
    const claims = await super.claim(choice);
    if (claims.length > 0) await this.events.claimed(choice.owner);
    return claims;
  }

  /** The number of calls that do not reach the store. */
  outages = 0;

  override async stateOf(job: Job): Promise<OfferState | null> {
    this.#reach();
    return super.stateOf(job);
  }

  #reach(): void {
    if (this.outages === 0) return;
    this.outages -= 1;
    throw new AppError('unavailable', 'the store cannot be reached');
  }

  override async finish(claim: RangeClaim, result: RangeResult): Promise<boolean> {
    this.#reach();
    const isFirst = await super.finish(claim, result);
    if (isFirst) await this.events.finished(claim.owner);
    return isFirst;
  }
}

export async function startCluster({ model: folder, population, rangeSegments, ...others }: ClusterOptions) {
  const { files, mirrorBytes = Number.POSITIVE_INFINITY, leaseMs = LEASE_MS, loaded } = others;
  const limits = { ...LIMITS, leaseMs };
  const dataDir = dataFolder();
  const embedded = await openStore(locateStore(dataDir), { clock: systemClock, ...limits });
  onTestFinished(() => embedded.close());
  const ranges = rangeSegments === undefined ? null : new ToldRanges(embedded, systemClock, limits);
  const store: CampaignStore = { ...embedded, ranges };
  const { directory, version: populationVersion } = openPopulation(population);
  const model = { version: readModelFolder(folder).manifest.version, folder };
  const served = { epoch: 1, model, populationVersion };
  const hosts = new Map<string, Host>();
  /** Number of ranges by host whose result counted. */
  const finished = new Map<string, number>();

  return {
    dataDir,
    store,
    ranges,
    finished,
    /** The host that an event names. */
    host: (owner: string): Host => hosts.get(owner)!,
    /** Reacts to what happens to ranges. */
    onRanges(events: Partial<RangeEvents>): void {
      Object.assign(ranges!.events, {
        ...events,
        finished: async (owner: string) => {
          finished.set(owner, (finished.get(owner) ?? 0) + 1);
          await events.finished?.(owner);
        },
      });
    },
    async addHost({ goldenSha256, isAdapting }: HostOptions = {}): Promise<Host> {
      const ownerId = `${hosts.size + 1}:host`;
      const folders = { population: files ? join(dataDir, ownerId) : population, models: join(dataDir, 'models') };
      const config = {
        ...{ ...limits, ownerId, served, threads: 1, device: 'cpu', ...folders },
        ...{ rangeSegments: rangeSegments ?? 1, keptWorkMs: 0, userSideBytes: 0, userSides: 1, diskReserveBytes: 0 },
        expands: true,
      } as EngineConfig;
      const telling = { now: systemClock.now, logger: createLogger('silent', ownerId) };
      const shared = files && (await openSharedVersions(files, folders, { blobs: '', mirrorBytes }, telling));
      const models =
        loaded?.take(folders.population) ??
        (await openEngineModels(config, () => {}, { ...(shared && { shared }) })).models;
      const mortal = new Mortal();
      const own = mortal.wrap(store);
      let beat: Heartbeat | null = null;
      const pulse = new Pulse(systemClock, (heartbeat) => {
        beat = heartbeat;
      });
      pulse.start();
      const engine = new Engine(
        config,
        {
          ...{
            store: own,
            models: changed(models, { goldenSha256, isAdapting }),
            served: () => served,
            clock: systemClock,
          },
          ...{ pace: new Pace(), minimumSeeds: LIMITS.minimumSeeds, hasRoom: () => true, onStoreError: () => {} },
          keeper: new Checkpoints({
            ...{ blobs: own.blobs, hasRoom: () => true, clock: systemClock, keptWorkMs: 0, computedBy: 'test' },
          }),
        },
        createLogger('silent', ownerId),
        { onExpanded() {}, onWorking() {}, pulse, tracer: null },
      );
      const running = engine.run().catch((error: unknown) => error);
      onTestFinished(async () => {
        engine.drain();
        const isWell = mortal.isAlive;
        mortal.kill();
        if (loaded && isWell) loaded.giveBack(folders.population, models);
        else await models.close();
        void running;
      });
      const host: Host = {
        owner: ownerId,
        heartbeat: () => beat!,
        kill: () => mortal.kill(),
        freeze: () => mortal.freeze(),
        thaw: () => mortal.thaw(),
      };
      hosts.set(ownerId, host);
      return host;
    },
    async create({ features, seeds, rules, taught }: TaughtCampaign): Promise<string> {
      const campaign = { name: 'test', features, featureCounts: { unknown: 0, missing: 0 }, audience: { size: 100 } };
      const isKnown = (userId: string) => directory.find(userId) >= 0;
      if (!taught) return (await store.create({ ...campaign, ...rules, seeds }, isKnown)).id;
      const { weightOf, negatives, negativeWeight } = taught;
      const { id: campaignId } = await store.create({ ...campaign, negativeWeight }, isKnown);
      const weighted = seeds.map((userId, i) => [userId, weightOf(i)] as const);
      await change(store.userSets, { kind: 'seeds', campaignId }, 'replace', weighted);
      await change(store.userSets, { kind: 'negatives', campaignId }, 'replace', negatives);
      await store.expand(campaignId);
      return campaignId;
    },
    async ended(id: string): Promise<Campaign> {
      for (;;) {
        const campaign = await store.get(id);
        if (isEnd(campaign.state!)) return campaign;
        await sleep(20);
      }
    },
    /** The bytes of the files of a campaign's ranking. */
    async bytesOf(id: string): Promise<Record<string, Buffer>> {
      const path = join(dataDir, (await store.activeAudience(id)).folder);
      return Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(join(path, file))]));
    },
  };
}

export type Cluster = Awaited<ReturnType<typeof startCluster>>;

type Changes = { readonly [K in keyof HostOptions]: HostOptions[K] | undefined };

/** The models of a host that differs. */
function changed(models: EngineModels, { goldenSha256, isAdapting }: Changes): EngineModels | Models {
  if (goldenSha256 === undefined && isAdapting === undefined) return models;
  return {
    broken: models.broken,
    get isAdapting() {
      return isAdapting ?? models.isAdapting;
    },
    has: (version) => models.has(version),
    giveBack: (version) => models.giveBack(version),
    closeAllUnused: () => models.closeAllUnused(),
    prefetch: (version, from, to) => models.prefetch(version, from, to),
    take: async (version, folder) => {
      const { pool, ...loaded } = await models.take(version, folder);
      const own = goldenSha256 === undefined ? pool : Object.assign(boundCopy(pool), { goldenSha256 });
      return { ...loaded, pool: own };
    },
  };
}

type Models = EngineDependencies['models'];

/** A pool whose methods are those of `pool`. */
function boundCopy(pool: LoadedModel['pool']): LoadedModel['pool'] {
  return new Proxy({} as LoadedModel['pool'], {
    get: (own, name) => {
      const value = Reflect.get(own, name) ?? Reflect.get(pool, name, pool);
      return typeof value === 'function' ? value.bind(pool) : value;
    },
  });
}
