/** Reads all files of a service slowly and at intervals, and reports damaged files. */
import type { StoreUpkeep } from '../../domain/ports/upkeep.ts';
import type { Logger } from '../../lib/logging.ts';
import { type Item, itemOf, itemsOfPopulation, itemsOfStore, type PopulationVersion } from '../integrity.ts';
import type { DamageLog } from './damage-log.ts';

export interface ScrubberOptions {
  readonly upkeep: StoreUpkeep;
  /** Open rankings, whose verification is revoked if their files are damaged. */
  readonly rankings: { forget(folder: string): void };
  /** Null for a population whose files are verified wherever they arrive. */
  readonly population: { readonly folder: string; readonly version: () => string } | null;
  /** Whether this service scrubs now, because of those that share the files one does. By default, it does. */
  readonly isActive?: () => boolean;
  readonly damage: Pick<DamageLog, 'note' | 'noteRanking' | 'noteRow' | 'known' | 'mend'>;
  readonly bytesPerSecond: number;
  /** Pause between the end of a pass and the start of the next pass. */
  readonly pauseMs: number;
  /**
   * Interval between checks that the population's files exist; damaged files are checked again at the same interval.
   */
  readonly recheckMs?: number;
  readonly logger: Logger;
}

const RECHECK_MS = 5_000;
/** Approximate size of a row and its checksum, because the rate is limited in bytes. */
const ROW_BYTES = 256;

export class Scrubber {
  readonly #options: ScrubberOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The slices that are being read. */
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;
  #bytes = 0;
  #passes = 0;
  #isSuspect = false;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  /** Numbers of bytes read and of passes completed. */
  get progress(): { readonly bytes: number; readonly passes: number } {
    return { bytes: this.#bytes, passes: this.#passes };
  }

  /**
   * Starts scrubbing. Even the first pass begins after a pause, because the population was verified at startup, and
   * reads verify the data they use.
   */
  start(): void {
    this.#repeat(this.#options.pauseMs, () => this.#pass());
    this.#repeat(this.#options.recheckMs ?? RECHECK_MS, () => this.#recheck());
  }

  /** Stops after the slices that are being read now. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  /** Call this if the population could not be read, so that the next check reads all of its files. */
  suspectPopulation(): void {
    this.#isSuspect = true;
  }

  /** Repeats passes, with a pause of `pauseMs` between them. */
  #repeat(pauseMs: number, begin: () => AsyncGenerator<number, void, void>): void {
    this.#later(pauseMs, () => this.#step(begin(), () => this.#repeat(pauseMs, begin)));
  }

  /** Runs one slice of work, then pauses to keep the rate. */
  async #step(pass: AsyncGenerator<number, void, void>, end: () => void): Promise<void> {
    try {
      const { done, value } = await pass.next();
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

  #later(ms: number, action: () => Promise<void>): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const work = action().finally(() => this.#running.delete(work));
      this.#running.add(work);
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }

  async *#pass(): AsyncGenerator<number, void, void> {
    const { upkeep, isActive = () => true } = this.#options;
    if (!isActive()) return;
    yield* this.#scrubRows();
    for (const item of itemsOfStore(upkeep, await upkeep.contents())) yield* this.#scrub(item);
    yield* this.#scrubPopulation();
    this.#passes += 1;
  }

  async *#scrubRows(): AsyncGenerator<number, void, void> {
    const { upkeep, damage } = this.#options;
    const slices = upkeep.damagedRows();
    for (let slice = await slices.next(); ; slice = await slices.next()) {
      if (slice.done) {
        for (const row of slice.value) damage.noteRow(row);
        return;
      }
      yield slice.value * ROW_BYTES;
    }
  }

  async *#scrubPopulation(): AsyncGenerator<number, void, void> {
    for (const item of itemsOfPopulation(this.#population)) yield* this.#scrub(item);
  }

  async *#scrub(item: Item): AsyncGenerator<number, void, void> {
    const { upkeep, rankings, damage } = this.#options;
    const { kind, path } = item;
    const { fault } = yield* item.check();
    // if the file was removed during the check, its row is gone too
    if (fault === null || !item.isNeeded(await upkeep.contents())) return;
    if (kind !== 'ranking') {
      damage.note(kind, path, fault);
      return;
    }
    // an open ranking does not verify its blocks again; the next use reopens it
    rankings.forget(path);
    damage.noteRanking(path, fault);
  }

  /** Checks that the population's files exist, in about a microsecond per file, and checks all known damage again. */
  async *#recheck(): AsyncGenerator<number, void, void> {
    const { damage, upkeep } = this.#options;
    const population = this.#population;
    for (const cut of itemsOfPopulation(population, true)) yield* this.#scrub(cut);
    if (this.#isSuspect) {
      this.#isSuspect = false;
      yield* this.#scrubPopulation();
    }
    for (const known of damage.known()) {
      const item = itemOf(known, upkeep, population);
      const isMended = !item?.isNeeded(await upkeep.contents()) || (yield* item.check()).fault === null;
      if (isMended) damage.mend(known.path);
    }
  }

  get #population(): PopulationVersion | null {
    const { population } = this.#options;
    return population && { folder: population.folder, version: population.version() };
  }
}
