/** Postgres fulfils the contract of distributed expansions, also between processes. */
import { describeRanges } from '../../domain/contract/ranges.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { sharedStore } from './shared-store.ts';

describeWithPostgres('ranges in Postgres', () => describeRanges(sharedStore));
