/** The contract of the ports in src/domain/ports, which every store fulfils. */
import { IS_USUAL } from '../../fixture/size.ts';
import { describeApiKeys } from './api-keys.ts';
import { describeAttempts } from './attempts.ts';
import { describeAudiences } from './audiences.ts';
import { describeBlobs } from './blobs.ts';
import { describeCampaigns } from './campaigns.ts';
import { describeConditionalChanges } from './conditional-changes.ts';
import { describeConversions } from './conversions.ts';
import { describeIdempotency } from './idempotency.ts';
import { describeJobHistories } from './job-histories.ts';
import { describeJobs } from './jobs.ts';
import type { NewData } from './new-data.ts';
import { describeOutbox } from './outbox.ts';
import { describeReceipts } from './receipts.ts';
import { describeReleaseAll, describeReleases } from './releases.ts';
import { describeTurns } from './turns.ts';
import { describeUserErasure } from './user-erasure.ts';
import { describeUserSets } from './user-sets.ts';
import { describeVersions } from './versions.ts';

/** What a store promises only if one service has it alone; called like `describeCampaignStore`. */
export function describeEmbeddedStore(newData: NewData): void {
  describeReleaseAll(newData);
}

/** Tests a store; called by the test file of that store. */
export function describeCampaignStore(newData: NewData): void {
  describeJobHistories(newData);
  // all others have one size
  if (!IS_USUAL) return;
  describeCampaigns(newData);
  describeConversions(newData);
  describeIdempotency(newData);
  describeVersions(newData);
  describeConditionalChanges(newData);
  describeAudiences(newData);
  describeJobs(newData);
  describeReceipts(newData);
  describeReleases(newData);
  describeAttempts(newData);
  describeTurns(newData);
  describeOutbox(newData);
  describeBlobs(newData);
  describeUserSets(newData);
  describeUserErasure(newData);
  describeApiKeys(newData);
}
