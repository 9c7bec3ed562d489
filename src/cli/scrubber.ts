/** Reads all files of a service now and then, slowly, and reports those that are damaged. */
import { checkRanking, sealRanking } from '../audience/check-ranking.ts';
import type { StoreUpkeep } from '../campaigns/ports/upkeep.ts';
import type { Logger } from '../lib/logging.ts';
import { checkVersion } from '../population/verify.ts';
import { checkUserSet } from '../user-sets/check-set.ts';
import type { DamageLog } from './damage-log.ts';

export interface ScrubberOptions {
  readonly upkeep: StoreUpkeep;
  /** What was verified of a ranking while it is open holds no longer once its files are damaged. */
  readonly rankings: { forget(folder: string): void };
  readonly population: { readonly folder: string; readonly version: () => string };
  readonly damage: Pick<DamageLog, 'note' | 'noteRanking'>;
  readonly bytesPerSecond: number;
  /** From the end of one pass to the beginning of the next. */
  readonly pauseMs: number;
  readonly logger: Logger;
}

export class Scrubber {
  readonly #options: ScrubberOptions;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #bytes = 0;
  #passes = 0;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  /** Bytes that were read, and passes that came to their end. */
  get progress(): { readonly bytes: number; readonly passes: number } {
    return { bytes: this.#bytes, passes: this.#passes };
  }

  /** The first pass begins after a pause, too: a start verified the population, and reads verify what they touch. */
  start(): void {
    this.#later(this.#options.pauseMs, () => this.#step(this.#pass()));
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** One slice, then a pause by which the rate is kept. */
  #step(pass: Generator<number, void, void>): void {
    try {
      const { done, value } = pass.next();
      if (!done) {
        this.#bytes += value;
        this.#later((1000 * value) / this.#options.bytesPerSecond, () => this.#step(pass));
        return;
      }
      this.#passes += 1;
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a pass over all files was broken off, and begins again later');
    }
    this.#later(this.#options.pauseMs, () => this.#step(this.#pass()));
  }

  #later(ms: number, action: () => void): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(action, ms);
    this.#timer.unref();
  }

  *#pass(): Generator<number, void, void> {
    const { upkeep, population, damage } = this.#options;
    const { sets, rankings } = upkeep.contents();
    for (const folder of rankings) yield* this.#scrubRanking(folder);
    for (const sha256 of sets) {
      const fault = yield* checkUserSet(upkeep.blobs, sha256);
      // removed meanwhile: then its row is gone too
      if (fault !== null && upkeep.contents().sets.has(sha256)) damage.note('user_set', `seeds/${sha256}.txt`, fault);
    }
    const version = population.version();
    for (const path of yield* checkVersion(population.folder, version))
      damage.note('population', path, `it is not as version ${version} recorded it`);
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
    logger.info({ path: folder }, 'a ranking from before checksums got its own');
  }
}
