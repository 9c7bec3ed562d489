/**
 * The models and the population of a cluster on this machine: a mirror of the published population, and copies of
 * models, in the cache folder.
 */
import { join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { Announcements } from '../../domain/ports/served.ts';
import { createClosedFolder } from '../../lib/files/durable-files.ts';
import type { Logger } from '../../lib/logging.ts';
import { type ModelFolder, readModelFolder } from '../../model/folder.ts';
import { PublishedModels, pullModel } from '../../model/published.ts';
import { Mirror } from '../../population/share.ts';

const POPULATION_FOLDER = 'population';
const MODELS_FOLDER = 'models';
/**
 * How often a process reads the index to find changes that were not announced, because a command without the database
 * made them. Each read is a request, and a cluster may have hundreds of engines.
 */
const FOLLOW_MS = { node: 1_000, engine: 5_000 } as const;

export interface SharedDataOptions {
  readonly files: BlobFiles;
  readonly announcements: Announcements;
  /** The cache folder. */
  readonly cache: string;
  /** Maximum total size of the segments on this machine. */
  readonly mirrorBytes: number;
  readonly kind: keyof typeof FOLLOW_MS;
  readonly now: () => number;
  readonly logger: Logger;
}

export class SharedData {
  readonly files: BlobFiles;
  readonly mirror: Mirror;
  readonly publishedModels: PublishedModels;
  /** The folder of the copies of models, by version. */
  readonly models: string;
  readonly #logger: Logger;
  readonly #endListening: () => void;
  /** Releases the served version of the population on this machine. */
  #release: () => void = () => {};

  /** @throws AppError unavailable, storage_failed, invalid_population, invalid_argument */
  static async open(options: SharedDataOptions): Promise<SharedData> {
    const { files, cache, mirrorBytes: limitBytes, now, logger } = options;
    const onError = (error: unknown) => logger.error({ err: error }, 'the mirror of the population cannot be updated');
    const mirror = await Mirror.open({ files, folder: join(cache, POPULATION_FOLDER), limitBytes, now, onError });
    try {
      createClosedFolder(join(cache, MODELS_FOLDER));
      return new SharedData(options, mirror);
    } catch (error) {
      mirror.close();
      throw error;
    }
  }

  private constructor({ files, cache, announcements, kind, logger }: SharedDataOptions, mirror: Mirror) {
    this.files = files;
    this.mirror = mirror;
    this.publishedModels = new PublishedModels(files);
    this.models = join(cache, MODELS_FOLDER);
    this.#logger = logger;
    mirror.follow(FOLLOW_MS[kind]);
    this.#endListening = announcements.onAnnounced('population', () => void this.#sync());
  }

  /** The population folder. */
  get population(): string {
    return this.mirror.folder;
  }

  /** @throws AppError model_not_found, invalid_model, storage_failed */
  async fetchModel(version: string): Promise<ModelFolder> {
    return readModelFolder(await pullModel(this.files, version, this.models));
  }

  /** Fetches the files that are needed to open a version. They stay on this machine until the next call. */
  async fetchPopulation(version: string): Promise<void> {
    const release = await this.mirror.take(version);
    this.#release();
    this.#release = release;
  }

  close(): void {
    this.#endListening();
    this.mirror.close();
  }

  async #sync(): Promise<void> {
    try {
      await this.mirror.sync();
    } catch (error) {
      // the mirror also follows the index by itself
      this.#logger.debug({ err: error }, 'the mirror of the population will be updated later');
    }
  }
}
