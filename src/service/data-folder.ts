/** The store of a service's data folder, for commands that change it while the service may run. */
import { existsSync } from 'node:fs';
import { DOMAIN_LIMITS } from '../domain/limits.ts';
import type { CampaignStore } from '../domain/ports/store.ts';
import { systemClock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { valuesOf } from '../lib/limits.ts';
import { locateStore, openStore } from '../storage/open-store.ts';

const { minimumSeeds, leaseMs, maximumAttempts } = valuesOf(DOMAIN_LIMITS);
/** Such a command expands nothing. */
export const STORE_OPTIONS = { clock: systemClock, minimumSeeds, leaseMs, maximumAttempts };

/**
 * What `use` returns of the store, which is closed then. A folder that is not there is made if `isMade`.
 * @throws AppError invalid_argument: it is not there; and what opening a store throws
 */
export function withDataFolder<T>(dataDir: string, use: (store: CampaignStore) => T, { isMade = false } = {}): T {
  if (!isMade && !existsSync(dataDir))
    throw new AppError('invalid_argument', `${dataDir}: not found: name the data folder of a service`);
  const store = openStore(locateStore(dataDir), STORE_OPTIONS);
  try {
    return use(store);
  } finally {
    store.close();
  }
}
