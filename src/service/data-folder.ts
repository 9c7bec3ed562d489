/** Opens the store of a data folder for commands that change the store, even while the service is running. */
import { existsSync } from 'node:fs';
import { DOMAIN_LIMITS } from '../domain/limits.ts';
import type { CampaignStore } from '../domain/ports/store.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { valuesOf } from '../lib/limits.ts';
import { locateStore, openStore } from '../storage/open-store.ts';

const { minimumSeeds, leaseMs, maximumAttempts } = valuesOf(DOMAIN_LIMITS);
/** The default limits suffice, because commands run no expansions. */
export const STORE_OPTIONS = { clock: systemClock, minimumSeeds, leaseMs, maximumAttempts };

/**
 * Opens the store, returns the result of `use`, and closes the store. A missing folder is created if `isMade`.
 * @throws AppError invalid_argument if the folder does not exist and `isMade` is false; any error that opening the
 * store throws
 */
export async function withDataFolder<T>(
  dataDir: string,
  use: (store: CampaignStore) => T | Promise<T>,
  { isMade = false } = {},
): Promise<T> {
  if (!isMade && !existsSync(dataDir))
    throw new AppError('invalid_argument', `${dataDir}: not found: name the data folder of a service`);
  const store = await openStore(locateStore(dataDir), STORE_OPTIONS);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
