/** SQLite keeps the contract of stores. */
import { describeCampaignStore } from '../campaigns/contract/store.ts';
import { dataFolder } from './data-folder.ts';

describeCampaignStore(dataFolder);
