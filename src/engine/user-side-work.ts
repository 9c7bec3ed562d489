/** Makes the user sides of the served population in the background, while threads have no other work. */
import type { Logger } from '../lib/logging.ts';
import { ThreadDied } from '../lib/threads/thread-group.ts';
import { countUserSides, makeRoom } from '../online/user-side/user-side-files.ts';
import type { EngineModels, LoadedModel } from './engine-models.ts';
import type { EngineServed } from './messages.ts';

export interface UserSideNeeds {
  readonly models: Pick<EngineModels, 'take' | 'giveBack'>;
  /** The folder of all versions of the population. */
  readonly population: string;
  /** Maximum size of all user sides; 0 stores none. */
  readonly maximumBytes: number;
  /** Returns the versions that are served now. */
  served(): EngineServed;
  /** Whether the disk has room for `bytes` more. */
  hasRoom(bytes: number): boolean;
  readonly logger: Logger;
}

/**
 * Disk space that must be free before a file is made. The size of a segment's file is not known in advance, so this is
 * the largest possible size.
 */
const RESERVED_BYTES = 2 ** 26;

export class UserSideWork {
  readonly #needs: UserSideNeeds;
  #isRunning = false;
  #isWanted = false;
  /** The epoch for which files were made last, and their number. */
  #last: { readonly epoch: number; readonly files: number } | null = null;

  constructor(needs: UserSideNeeds) {
    this.#needs = needs;
  }

  /**
   * Makes the missing files in the background. Call this method when another model or population is served, and after
   * each expansion, because the expansion may have found a damaged file.
   */
  start(): void {
    if (this.#needs.maximumBytes === 0) return;
    this.#isWanted = true;
    if (!this.#isRunning) void this.#run();
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
      if (!(error instanceof ThreadDied))
        this.#needs.logger.warn({ err: error }, 'user sides are not stored, so expansions compute them each time');
    } finally {
      this.#isRunning = false;
    }
  }

  #count(): number {
    const { model, populationVersion: version } = this.#needs.served();
    return countUserSides(this.#needs.population, { version, model: model.version });
  }

  async #make(): Promise<void> {
    const { models, served, population, maximumBytes, hasRoom } = this.#needs;
    const { epoch, model, populationVersion } = served();
    if (this.#last?.epoch === epoch && this.#last.files === this.#count()) return;
    const loaded = await models.take(model.version, model.folder);
    try {
      const { segmentCount } = await loaded.openPopulation(populationVersion);
      const goOn = () => served().epoch === epoch && hasRoom(RESERVED_BYTES);
      const wanted = { population, populationVersion, segmentCount, maximumBytes, goOn };
      await makeUserSides(loaded, wanted, { isBackground: true });
      this.#last = { epoch, files: this.#count() };
    } finally {
      models.giveBack(model.version);
    }
  }
}

interface Wanted {
  /** The folder of all versions of the population. */
  readonly population: string;
  readonly populationVersion: string;
  readonly segmentCount: number;
  readonly maximumBytes: number;
  /** Called before each segment; false ends the work. */
  goOn(segment: number): boolean;
}

/**
 * Makes and stores the user sides that are missing: in the background one segment at a time, otherwise one per thread.
 * Returns whether all are stored.
 */
export async function makeUserSides(
  { pool, version: model }: Pick<LoadedModel, 'pool' | 'version'>,
  { population, populationVersion, segmentCount, maximumBytes, goOn }: Wanted,
  { isBackground }: { readonly isBackground: boolean },
): Promise<boolean> {
  let left = makeRoom(population, { version: populationVersion, model }, maximumBytes);
  let next = 0;
  let isStored = true;
  const work = async () => {
    while (isStored && next < segmentCount) {
      const segment = next++;
      if (left <= 0 || !goOn(segment)) isStored = false;
      else {
        const task = { kind: 'user-side', populationVersion, segment, maximumBytes: left } as const;
        const { bytes } = await pool.makeUserSide(task, { isBackground });
        if (bytes === null) isStored = false;
        else left -= bytes;
      }
    }
  };
  const atOnce = isBackground ? 1 : pool.computedWith.threads;
  await Promise.all(Array.from({ length: atOnce }, work));
  return isStored;
}
