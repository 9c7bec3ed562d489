/** The report that an engine sends every second while its event loop runs. */
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { BlobCacheCounts } from '../domain/ports/cluster.ts';
import type { Clock } from '../lib/clock.ts';
import type { MirrorCounts } from '../population/share.ts';

/** The state of the engine. Sums cover the time since the previous heartbeat. */
export interface Heartbeat {
  /** Number of running expansions. */
  readonly expanding: number;
  readonly usersScored: number;
  readonly residentBytes: number;
  /** Maximum delay of the event loop. */
  readonly loopLagSeconds: number;
  /**
   * Number of users in the largest population that the engine has opened. With more users, the engine may be silent for
   * longer.
   */
  readonly users: number;
  /** Numbers of segments with and without stored user sides; null if no user sides are to be stored. */
  readonly userSides: { readonly stored: number; readonly missing: number } | null;
  /** Whether everything that the first expansion would have to prepare is prepared. */
  readonly warm: boolean;
  /**
   * Model versions whose golden batch this engine scores differently than other engines of the cluster, so that it is
   * refused for ranges of their expansions.
   */
  readonly refusedModels: readonly string[];
  /** Counts of what the engine has of a cluster's data on its host; null if it is not an engine of a cluster. */
  readonly copies: CopyCounts | null;
}

export interface CopyCounts {
  /** null if blobs are not cached. */
  readonly blobCache: BlobCacheCounts | null;
  readonly mirror: MirrorCounts;
}

const EVERY_MS = 1_000;
/** Interval at which the event loop's delay is measured. Every measured delay includes this interval. */
const RESOLUTION_MS = 20;

/** Counts the engine's work and sends heartbeats. */
export class Pulse {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #tell: (heartbeat: Heartbeat) => void;
  #delay: ELDHistogram | null = null;
  #toldAt = 0;
  #expanding = 0;
  #usersScored = 0;
  #users = 0;
  #userSides: Heartbeat['userSides'] = null;
  /** Reads `warm` of the next heartbeat. */
  readWarm: () => boolean = () => false;
  readonly #refusedModels = new Set<string>();
  #readCopies: () => CopyCounts | null = () => null;

  constructor(clock: Pick<Clock, 'elapsed'>, tell: (heartbeat: Heartbeat) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Sends a heartbeat at once, then every second. The timer does not keep the process alive. */
  start(): void {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    this.#beat();
    setInterval(() => this.#beat(), EVERY_MS).unref();
  }

  /** Sends a heartbeat if one is due. Call this method before and after work that may block the event loop. */
  goOn(): void {
    if (this.#delay !== null && this.#clock.elapsed() - this.#toldAt >= EVERY_MS) this.#beat();
  }

  scored(users: number): void {
    this.#usersScored += users;
  }

  expectWorkOn(users: number): void {
    this.#users = Math.max(this.#users, users);
  }

  userSidesStored(count: Heartbeat['userSides']): void {
    this.#userSides = count;
  }

  refused(modelVersion: string): void {
    this.#refusedModels.add(modelVersion);
  }

  countsCopies(read: () => CopyCounts): void {
    this.#readCopies = read;
  }

  /** Runs `work` and counts it as a running expansion meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#expanding += 1;
    try {
      return await work();
    } finally {
      this.#expanding -= 1;
    }
  }

  #beat(): void {
    const delay = this.#delay;
    const lateMs = !delay || delay.count === 0 ? 0 : delay.max / 1e6 - RESOLUTION_MS;
    delay?.reset();
    this.#toldAt = this.#clock.elapsed();
    this.#tell({
      expanding: this.#expanding,
      usersScored: this.#usersScored,
      residentBytes: process.memoryUsage.rss(),
      loopLagSeconds: Math.max(0, lateMs) / 1000,
      users: this.#users,
      userSides: this.#userSides,
      warm: this.readWarm(),
      refusedModels: [...this.#refusedModels],
      copies: this.#readCopies(),
    });
    this.#usersScored = 0;
  }
}
