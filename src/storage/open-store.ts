/**
 * The only file that names the adapters of stores. Processes and threads are handed a locator, and open the same store
 * with it.
 */
import { resolve } from 'node:path';
import type { CampaignRecords } from '../domain/ports/records.ts';
import type {
  CampaignStore,
  StoreAdapter,
  StoreFiles,
  StoreInspection,
  StoreLocator,
  StoreOptions,
} from '../domain/ports/store.ts';
import type {
  BackupOptions,
  BackupReport,
  RestoreOptions,
  RestoreReport,
  StoreUpkeep,
} from '../domain/ports/upkeep.ts';
import { assert } from '../lib/errors.ts';
import { sqlite } from './sqlite/adapter.ts';

/** A store of another kind is a folder beside src/storage/sqlite and a line here. */
const ADAPTERS: Readonly<Record<string, StoreAdapter>> = { sqlite };

/** The store of a service that is given this data folder. */
export function locateStore(dataDir: string): StoreLocator {
  return { adapter: 'sqlite', location: resolve(dataDir) };
}

/** As `StoreAdapter.lock`. */
export function lockStore({ adapter, location }: StoreLocator): () => void {
  return adapterOf(adapter).lock(location);
}

/** As `StoreAdapter.open`. */
export function openStore({ adapter, location }: StoreLocator, options: StoreOptions): CampaignStore {
  return adapterOf(adapter).open(location, options);
}

/** As `StoreAdapter.takeSaved`. */
export function takeSavedStore(
  { adapter, location }: StoreLocator,
  now: number,
): { readonly taken: string; readonly aside: string | null } | null {
  return adapterOf(adapter).takeSaved(location, now);
}

/** As `StoreAdapter.adopt`. */
export function adoptStore({ adapter, location }: StoreLocator, now: number): string | null {
  return adapterOf(adapter).adopt(location, now);
}

/** As `StoreAdapter.openFiles`. */
export function openStoreFiles({ adapter, location }: StoreLocator): StoreFiles {
  return adapterOf(adapter).openFiles(location);
}

/** As `StoreAdapter.openRecords`. */
export function openRecords({ adapter, location }: StoreLocator): CampaignRecords {
  return adapterOf(adapter).openRecords(location);
}

/** As `StoreAdapter.openUpkeep`. */
export function openUpkeep({ adapter, location }: StoreLocator): StoreUpkeep {
  return adapterOf(adapter).openUpkeep(location);
}

/** As `StoreAdapter.freeBytes`. */
export function freeBytesOf({ adapter, location }: StoreLocator): number {
  return adapterOf(adapter).freeBytes(location);
}

/** As `StoreAdapter.backup`. */
export function backUpStore(
  { adapter, location }: StoreLocator,
  to: string,
  options: BackupOptions,
): Promise<BackupReport> {
  return adapterOf(adapter).backup(location, to, options);
}

/** As `StoreAdapter.restore`: the locator says where the store is to be. */
export function restoreStore(
  { adapter, location }: StoreLocator,
  from: string,
  options?: RestoreOptions,
): Promise<RestoreReport> {
  return adapterOf(adapter).restore(from, location, options);
}

/** As `StoreAdapter.inspect`. */
export function inspectStore({ adapter, location }: StoreLocator, now: number): StoreInspection {
  return adapterOf(adapter).inspect(location, now);
}

/** As `StoreAdapter.requireFree`. */
export function requireFreeStore({ adapter, location }: StoreLocator): void {
  adapterOf(adapter).requireFree(location);
}

/** As `StoreAdapter.requireTakeable`. */
export function requireTakeableStore({ adapter, location }: StoreLocator): void {
  adapterOf(adapter).requireTakeable(location);
}

/** As `StoreAdapter.requireUsable`. */
export function requireUsableStore({ adapter, location }: StoreLocator): void {
  adapterOf(adapter).requireUsable(location);
}

function adapterOf(name: string): StoreAdapter {
  const adapter = ADAPTERS[name];
  assert(adapter !== undefined, `there is no adapter ${name}`);
  return adapter;
}
