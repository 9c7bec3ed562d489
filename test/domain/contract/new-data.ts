/** What the contract of stores is handed: whatever keeps the data of one installation. */
import type { CampaignStore, StoreOptions } from '../../../src/domain/ports/store.ts';
import type { ManualClock } from './inputs.ts';

/** Empty data, of which any number of stores may be open at once, each as another process would have it. */
export interface TestData {
  readonly clock: ManualClock;
  /** Closed after the file's tests, if it is not by then. */
  open(): CampaignStore;
}

/** By default: two seeds at least, leases of `LEASE_MS`, three attempts. */
export type NewData = (options?: Partial<StoreOptions>) => TestData;
