/** The published models and the mirror of the published population on an engine's host. */
import type { BlobFiles } from '../domain/ports/blob-files.ts';
import type { Logger } from '../lib/logging.ts';
import { pullModel } from '../model/published.ts';
import type { KeptUserSides } from '../online/user-side/user-side-folders.ts';
import { Mirror, type MirrorCounts } from '../population/share.ts';
import { openUserSideExchange, type UserSideExchange } from './user-side-exchange.ts';

/** Where an engine's host gets versions from, as plain data. */
export interface SharedConfig {
  /** The storage of blobs, `s3://bucket/prefix`. */
  readonly blobs: string;
  /** Maximum size of the mirror's segments. */
  readonly mirrorBytes: number;
}

/** What an engine needs of it. */
export interface SharedVersions {
  /** Counts of the mirror since the engine began. */
  readonly mirror: MirrorCounts;
  /** Returns when a version can be opened in the mirror. It stays until the returned function is called. */
  takePopulation(version: string): Promise<() => void>;
  /** Fetches segments `from` to `to` - 1 as far as there is room; they stay until the returned function is called. */
  prefetch(version: string, from: number, to: number): Promise<() => void>;
  /** Returns when a model is in the engine's folder of models. */
  fetchModel(version: string): Promise<void>;
  /** The user sides that the hosts of the cluster share. `names` are the names of the files of all segments. */
  exchangeUserSides(kept: KeptUserSides, names: readonly string[], maximumBytes: number): Promise<UserSideExchange>;
  close(): void;
}

interface SharedFolders {
  /** The folder of the mirror. */
  readonly population: string;
  /** The folder of models, by version. */
  readonly models: string;
}

/**
 * Opens the mirror, and brings it up to date.
 * @throws AppError storage_failed, unavailable, invalid_population, invalid_argument
 */
export async function openSharedVersions(
  files: BlobFiles,
  { population: folder, models }: SharedFolders,
  { mirrorBytes: limitBytes }: SharedConfig,
  { now, logger }: { readonly now: () => number; readonly logger: Logger },
): Promise<SharedVersions> {
  const onError = (error: unknown) => logger.error({ err: error }, 'the mirror of the population cannot be updated');
  const mirror = await Mirror.open({ files, folder, limitBytes, now, onError });
  // the process that started the engine follows the index; erasures reach the threads through the mirror's files
  mirror.followFolder();
  return {
    get mirror() {
      return mirror.counts;
    },
    takePopulation: (version) => mirror.take(version),
    prefetch: (version, from, to) => mirror.prefetch(version, from, to),
    fetchModel: async (version) => {
      await pullModel(files, version, models);
    },
    exchangeUserSides: (kept, names, maximumBytes) => openUserSideExchange(files, folder, kept, names, maximumBytes),
    close: () => mirror.close(),
  };
}
