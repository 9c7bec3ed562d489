/** Postgres fulfils the contract of stores. */
import { describeCampaignStore } from '../../domain/contract/store.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { sharedStore } from './shared-store.ts';

describeWithPostgres('Postgres', () => describeCampaignStore(sharedStore));
