/**
 * What an engine does while its threads have no other work, so that the first campaign takes no longer than later ones:
 * it makes the user sides of the served population, and rehearses a campaign after a start and after a switch.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pins } from '../domain/types.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { freeBytesIn } from '../lib/files/free-bytes.ts';
import type { Logger } from '../lib/logging.ts';
import { ThreadDied } from '../lib/threads/thread-group.ts';
import { countUserSides } from '../online/user-side/user-side-folders.ts';
import type { Population } from '../population/read.ts';
import type { EngineModels, LoadedModel } from './engine-models.ts';
import type { EngineServed } from './messages.ts';
import { rehearsalOn } from './rehearsal.ts';
import type { UserSideExchange } from './user-side-exchange.ts';

export interface UserSideWorkDependencies {
  readonly models: Pick<EngineModels, 'take' | 'giveBack'> & Partial<Pick<EngineModels, 'exchangeUserSides'>>;
  /** The folder of all versions of the population. */
  readonly population: string;
  /** Maximum size of all user sides; 0 stores none. */
  readonly maximumBytes: number;
  /** Minimum number of users of a population on which a campaign is rehearsed. */
  readonly rehearsedUsers: number;
  /** Disk space that must stay free. */
  readonly diskReserveBytes: number;
  /** Whether the folder of the population is a mirror, in a cluster. */
  readonly isShared?: boolean;
  /** Returns the versions that are served now. */
  served(): EngineServed;
  /** Whether the disk of the data folder has room for new work. */
  hasRoom(): boolean;
  /** Called when the number of stored user sides changes; null if the model has none. */
  onStored(stored: StoredCount | null): void;
  readonly logger: Logger;
}

/** How many segments' user sides are stored. */
export interface StoredCount {
  readonly stored: number;
  readonly missing: number;
}

/**
 * Disk space that must be free besides the reserve before a file is made. The size of a segment's file is not known in
 * advance, so this is the largest possible size.
 */
const RESERVED_BYTES = 2 ** 26;
/** Waiting campaigns begin in this time. They do what a rehearsal would do, and would have to interrupt it. */
const REST_MS = 500;
/** Initial delay before a failed write is retried. The delay doubles after each failure. */
const RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 600_000;

export class UserSideWork {
  readonly #dependencies: UserSideWorkDependencies;
  #isRunning = false;
  #isWanted = false;
  /** The latest epoch for which files were made, and the number of these files. */
  #last: { readonly epoch: number; readonly files: number } | null = null;
  /** The latest epoch for which a campaign was rehearsed. */
  #rehearsed = -1;
  /** The epoch and the kind of the last logged reason why files are missing; null if no files are missing. */
  #told: string | null = null;
  #failures = 0;
  #retry: NodeJS.Timeout | null = null;

  constructor(dependencies: UserSideWorkDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Makes the missing files in the background, and rehearses if the versions are new. Call this method when another
   * model or population is served, and after each expansion, because the expansion may have found a damaged file.
   */
  start(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
  }

  /** Whether everything that the next campaign needs is prepared, as far as possible. */
  get isWarm(): boolean {
    return !this.#isRunning && this.#rehearsed === this.#dependencies.served().epoch;
  }

  /**
   * Maximum size of all user sides, for an expansion that stores the user sides that it has to make; 0 if it must not
   * store any. The hosts of a cluster exchange user sides, so expansions there store none.
   */
  roomFor({ modelVersion, populationVersion }: Pins): number {
    const { served, maximumBytes, isShared = false } = this.#dependencies;
    const isServed = served().model.version === modelVersion && served().populationVersion === populationVersion;
    return isServed && !isShared && this.#failures === 0 && this.#hasRoom() ? maximumBytes : 0;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        await this.#make();
      }
    } catch (error) {
      // an engine whose thread has died ends anyway
      if (!(error instanceof ThreadDied)) this.#failed(error, this.#dependencies.served().epoch);
    } finally {
      this.#isRunning = false;
    }
  }

  async #make(): Promise<void> {
    const { models, served, maximumBytes } = this.#dependencies;
    const { epoch, model, populationVersion } = served();
    if (this.#rehearsed === epoch && this.#last?.epoch === epoch && this.#last.files === this.#count()) return;
    const loaded = await models.take(model.version, model.folder);
    let rehearsing: Promise<void> | null = null;
    try {
      const population = await loaded.openPopulation(populationVersion);
      rehearsing = this.#rehearse(loaded, population, epoch);
      if (maximumBytes > 0) await this.#makeFiles(loaded, population, epoch);
    } finally {
      await rehearsing;
      this.#last = { epoch, files: this.#count() };
      models.giveBack(model.version);
    }
  }

  async #makeFiles({ pool, version: model }: LoadedModel, population: Population, epoch: number): Promise<void> {
    const { models, served, maximumBytes, onStored } = this.#dependencies;
    const { version: populationVersion, segmentCount } = population;
    const tell = (stored: number) => onStored({ stored, missing: segmentCount - stored });
    tell(this.#count());
    const goOn = (stored: number) => {
      tell(stored);
      return served().epoch === epoch && this.#hasRoom();
    };
    const exchange = async (names: readonly string[]) =>
      (await models.exchangeUserSides?.({ version: populationVersion, model }, names, maximumBytes)) ?? null;
    const wanted = { populationVersion, segmentCount, maximumBytes, goOn, exchange };
    const made = await makeUserSides(pool, wanted, { isBackground: true });
    if (made === null) onStored(null);
    else tell(made.stored);
    if (served().epoch === epoch) this.#ended(made, epoch);
  }

  /**
   * Rehearses a campaign once per epoch. If a campaign on another version was in the way, the next `start` repeats the
   * rehearsal. Errors are logged.
   */
  async #rehearse({ pool, version: modelVersion }: LoadedModel, population: Population, epoch: number): Promise<void> {
    if (this.#rehearsed === epoch) return;
    const { served, rehearsedUsers, logger } = this.#dependencies;
    let isDone = population.rowCount < rehearsedUsers;
    if (!isDone) {
      await sleep(REST_MS, undefined, { ref: false });
      if (served().epoch !== epoch) return;
      const room = this.roomFor({ modelVersion, populationVersion: population.version });
      isDone = await pool.rehearse(rehearsalOn(population, room)).catch((error: unknown) => {
        if (!(error instanceof ThreadDied)) logger.warn({ err: error }, 'a rehearsal has failed');
        return true;
      });
    }
    if (isDone) this.#rehearsed = epoch;
  }

  /** Number of stored files for the served versions. */
  #count(): number {
    const { model, populationVersion: version } = this.#dependencies.served();
    return countUserSides(this.#dependencies.population, { version, model: model.version });
  }

  #hasRoom(): boolean {
    const { hasRoom, population, diskReserveBytes } = this.#dependencies;
    return hasRoom() && freeBytesIn(population) >= diskReserveBytes + RESERVED_BYTES;
  }

  #ended(made: MadeUserSides | null, epoch: number): void {
    this.#failures = 0;
    const { logger, maximumBytes } = this.#dependencies;
    if (made === null || made.end === null) {
      if (this.#told !== null) logger.info({ ...made }, 'all user sides are stored');
      this.#told = null;
    } else if (made.end === 'limit') {
      const { stored, segments } = made;
      this.#tell(epoch, 'user_side_bytes is reached', { stored, segments, user_side_bytes: maximumBytes });
    } else {
      const { stored, segments } = made;
      this.#tell(epoch, 'the disk has too little free space', { stored, segments });
      this.#tryAgain(RETRY_MS);
    }
  }

  #failed(error: unknown, epoch: number): void {
    this.#tell(epoch, messageOf(error), { err: error }, kindOf(error));
    this.#tryAgain(Math.min(RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS));
    this.#failures += 1;
  }

  /** Logs why files are missing, unless a reason of this kind was logged last for this epoch. */
  #tell(epoch: number, reason: string, facts: Readonly<Record<string, unknown>>, kind = reason): void {
    const told = `${epoch} ${kind}`;
    if (this.#told === told) return;
    this.#told = told;
    this.#dependencies.logger.warn(
      { ...facts, reason },
      'not all user sides are stored, so expansions compute the others',
    );
  }

  #tryAgain(waitMs: number): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#last = null;
      this.start();
    }, waitMs).unref();
  }
}

/** A key that is the same for repeated errors, although their messages may name different temporary files. */
function kindOf(error: unknown): string {
  return error instanceof AppError ? `${error.code} ${error.facts['errno']}` : messageOf(error);
}

interface Wanted {
  /** The version of the population. */
  readonly populationVersion: string;
  readonly segmentCount: number;
  /** Maximum size of all user sides of the population. */
  readonly maximumBytes: number;
  /** Called before each segment with the number of stored user sides; false ends the work. */
  goOn(stored: number): boolean;
  /** Opens the user sides that other hosts share, by the names of all of them; null if there are no other hosts. */
  exchange?(names: readonly string[]): Promise<UserSideExchange | null>;
}

/** How many user sides are stored. */
export interface MadeUserSides {
  readonly stored: number;
  /** Number of segments, each of which has a user side. */
  readonly segments: number;
  /**
   * Why some user sides are not stored: the limit was reached, or the caller ended the work. Null if all are stored.
   */
  readonly end: 'limit' | 'ended' | null;
}

/**
 * Makes and stores the user sides that are missing: in the background one segment at a time, otherwise one per thread.
 * Returns null if the model has no user sides. @throws AppError storage_failed, unavailable
 */
export async function makeUserSides(
  pool: Pick<LoadedModel['pool'], 'prepareUserSides' | 'makeUserSide' | 'computedWith'>,
  { populationVersion, segmentCount, maximumBytes, goOn, exchange }: Wanted,
  { isBackground }: { readonly isBackground: boolean },
): Promise<MadeUserSides | null> {
  const task = { populationVersion, maximumBytes };
  const prepared = await pool.prepareUserSides({ kind: 'prepare-user-sides', ...task }, { isBackground });
  if (prepared.missing === null) return null;
  const others = (await exchange?.(prepared.names)) ?? null;
  const missing = others === null ? prepared.missing : rotated(prepared.missing);
  let stored = segmentCount - missing.length;
  let end: MadeUserSides['end'] = null;
  const left = missing.values();
  const work = async () => {
    try {
      for (const segment of left) {
        if (end === null && !goOn(stored)) end = 'ended';
        if (end !== null) return;
        const fetched = others === null ? false : await others.fetch(segment);
        if (fetched === false) {
          const { bytes } = await pool.makeUserSide({ kind: 'user-side', ...task, segment }, { isBackground });
          if (bytes !== null) await others?.store(segment);
          if (bytes === null) end ??= 'limit';
          else stored += 1;
        } else if (fetched === null) end ??= 'limit';
        else stored += 1;
      }
    } catch (error) {
      end ??= 'ended';
      throw error;
    }
  };
  const atOnce = isBackground ? 1 : pool.computedWith.threads;
  await Promise.all(Array.from({ length: atOnce }, work));
  return { stored, segments: segmentCount, end };
}

/** The segments from a random one on, so that hosts that begin at the same time make different user sides first. */
function rotated(segments: readonly number[]): readonly number[] {
  const first = segments.length < 2 ? 0 : randomInt(segments.length);
  return [...segments.slice(first), ...segments.slice(0, first)];
}
