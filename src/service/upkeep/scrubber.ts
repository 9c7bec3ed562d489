/** Slowly reads all files of a service at intervals, and reports damaged ones. */
import { basename, join, relative } from 'node:path';
import { checkRanking, sealRanking } from '../../audience/check-ranking.ts';
import type { StoreUpkeep } from '../../domain/ports/upkeep.ts';
import type { Logger } from '../../lib/logging.ts';
import { checkVersion, isWhole, missingFiles } from '../../population/read.ts';
import { checkUserSet } from '../../storage/files/check-set.ts';
import type { DamageLog } from './damage-log.ts';

export interface ScrubberOptions {
  readonly upkeep: StoreUpkeep;
  /** Open rankings; their verification is void once their files are damaged. */
  readonly rankings: { forget(folder: string): void };
  readonly population: { readonly folder: string; readonly version: () => string };
  readonly damage: Pick<DamageLog, 'note' | 'noteRanking' | 'noteRow' | 'known' | 'mend'>;
  readonly bytesPerSecond: number;
  /** Pause between the end of a pass and the start of the next. */
  readonly pauseMs: number;
  /** How often the population's files are checked for existence, and damaged files are checked again. */
  readonly recheckMs?: number;
  readonly logger: Logger;
}

const RECHECK_MS = 5_000;
/** Approximate bytes of a row and its checksum, because the rate is in bytes. */
const ROW_BYTES = 256;

export class Scrubber {
  readonly #options: ScrubberOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;
  #bytes = 0;
  #passes = 0;
  #isSuspect = false;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  /** Bytes read, and completed passes. */
  get progress(): { readonly bytes: number; readonly passes: number } {
    return { bytes: this.#bytes, passes: this.#passes };
  }

  /**
   * The first pass also begins after a pause: the start has verified the population, and reads verify what they use.
   */
  start(): void {
    this.#repeat(this.#options.pauseMs, () => this.#pass());
    this.#repeat(this.#options.recheckMs ?? RECHECK_MS, () => this.#recheck());
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Something in the population could not be read: the next check reads all of it. */
  suspectPopulation(): void {
    this.#isSuspect = true;
  }

  /** Repeats passes, each `pauseMs` after the end of the one before. */
  #repeat(pauseMs: number, begin: () => Generator<number, void, void>): void {
    this.#later(pauseMs, () => this.#step(begin(), () => this.#repeat(pauseMs, begin)));
  }

  /** Runs one slice, then pauses to keep the rate. */
  #step(pass: Generator<number, void, void>, end: () => void): void {
    try {
      const { done, value } = pass.next();
      if (!done) {
        this.#bytes += value;
        this.#later((1000 * value) / this.#options.bytesPerSecond, () => this.#step(pass, end));
        return;
      }
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a pass over all files was aborted and will restart later');
    }
    end();
  }

  #later(ms: number, action: () => void): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }

  *#pass(): Generator<number, void, void> {
    const { upkeep, damage } = this.#options;
    yield* this.#scrubRows();
    const { sets, rankings } = upkeep.contents();
    for (const folder of rankings) yield* this.#scrubRanking(folder);
    for (const sha256 of sets) {
      const fault = yield* checkUserSet(upkeep.blobs, sha256);
      // if the set was removed meanwhile, its row is gone too
      if (fault !== null && upkeep.contents().sets.has(sha256)) damage.note('user_set', `seeds/${sha256}.txt`, fault);
    }
    yield* this.#scrubPopulation();
    this.#passes += 1;
  }

  *#scrubRows(): Generator<number, void, void> {
    const { upkeep, damage } = this.#options;
    const slices = upkeep.damagedRows();
    for (let slice = slices.next(); ; slice = slices.next()) {
      if (slice.done) {
        for (const row of slice.value) damage.noteRow(row);
        return;
      }
      yield slice.value * ROW_BYTES;
    }
  }

  *#scrubPopulation(): Generator<number, void, void> {
    const { population } = this.#options;
    const version = population.version();
    for (const path of yield* checkVersion(population.folder, version)) this.#noteOfPopulation(path, version);
  }

  #noteOfPopulation(path: string, version: string): void {
    const { population, damage } = this.#options;
    damage.note('population', relative(population.folder, path), `it differs from the record of version ${version}`);
  }

  /**
   * Checks that the population's files exist, which takes a microsecond per file, and checks all known damage again.
   */
  *#recheck(): Generator<number, void, void> {
    const { population, damage, upkeep } = this.#options;
    const version = population.version();
    for (const path of missingFiles(population.folder, version)) this.#noteOfPopulation(path, version);
    if (this.#isSuspect) {
      this.#isSuspect = false;
      yield* this.#scrubPopulation();
    }
    for (const { kind, path } of damage.known()) {
      if (kind === 'population') {
        if (yield* isWhole(population.folder, version, join(population.folder, path))) damage.mend(path);
      } else if (kind === 'ranking') {
        const isNeeded = upkeep.contents().rankings.has(path);
        if (!isNeeded || (yield* checkRanking(upkeep.blobs, path)).kind === 'whole') damage.mend(path);
      } else if (kind === 'row') {
        const [table, ...id] = path.split('/');
        if (!upkeep.isDamaged({ table: table!, id: id.join('/') })) damage.mend(path);
      } else {
        const sha256 = basename(path, '.txt');
        if (!upkeep.contents().sets.has(sha256) || (yield* checkUserSet(upkeep.blobs, sha256)) === null)
          damage.mend(path);
      }
    }
  }

  *#scrubRanking(folder: string): Generator<number, void, void> {
    const { upkeep, rankings, damage, logger } = this.#options;
    const found = yield* checkRanking(upkeep.blobs, folder);
    if (found.kind === 'whole' || !upkeep.contents().rankings.has(folder)) return;
    if (found.kind === 'damaged') {
      rankings.forget(folder);
      damage.noteRanking(folder, found.message);
      return;
    }
    sealRanking(upkeep.blobs, folder, found);
    rankings.forget(folder);
    logger.info({ path: folder }, 'a ranking without checksums got some');
  }
}
