/** The data of one installation, for the contract of stores. */
import type { CampaignStore, StoreOptions } from '../../../src/domain/ports/store.ts';
import { everyoneIsKnown, type ManualClock, newCampaign } from './inputs.ts';

/** Empty data, of which any number of stores may be open at once, each as another process would have it. */
export interface TestData {
  readonly clock: ManualClock;
  /** Opens a store, which is closed after the tests of the file at the latest. */
  open(): Promise<CampaignStore>;
  /** Resolves once the look-ups of every open store see what the other stores have committed. */
  caughtUp(): Promise<void>;
}

/** By default: two seeds at least, leases of `LEASE_MS`, three attempts. */
export type NewData = (options?: Partial<StoreOptions>) => TestData;

/** A store with a queued campaign. */
export async function created(data: TestData) {
  const store = await data.open();
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  return { data, store, id };
}

/** A store with a campaign whose job `1:a` has claimed. */
export async function claimed(data: TestData) {
  const open = await created(data);
  return { ...open, job: (await open.store.claim('1:a'))! };
}
