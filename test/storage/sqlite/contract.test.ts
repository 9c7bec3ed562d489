/** SQLite fulfils the contract of stores. */
import { describe } from 'vitest';
import { describeCampaignStore, describeEmbeddedStore } from '../../domain/contract/store.ts';
import { migratedDataFolder } from './data-folder.ts';

// `vitest list` reads a file without running it, and looks for this call
describe('SQLite', () => {
  describeCampaignStore(migratedDataFolder);
  describeEmbeddedStore(migratedDataFolder);
});
