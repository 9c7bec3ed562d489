/** Composes the repositories of a database into a store. */
import type { Cluster } from '../../domain/ports/cluster.ts';
import type { LostFiles } from '../../domain/ports/health.ts';
import type { RangeWork } from '../../domain/ports/ranges.ts';
import type { StoreReserve } from '../../domain/ports/reserve.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import { ApiKeyRepository } from './api-keys.ts';
import { AudienceRepository } from './audiences.ts';
import { AuditRepository } from './audit-log.ts';
import { CampaignRepository } from './campaigns.ts';
import { Cleanup, type StoreFolder } from './cleanup.ts';
import { StoredClock } from './clock.ts';
import { ConversionRepository } from './conversions.ts';
import type { StoreDependencies } from './dependencies.ts';
import { EventLog } from './events.ts';
import { ExpansionRepository } from './expansions.ts';
import { FeedbackRepository } from './feedback.ts';
import { HealthRepository } from './health.ts';
import { JobRepository } from './jobs.ts';
import { OutboxRepository } from './outbox.ts';
import { ReceiptRepository } from './receipts.ts';
import { DestinationRepository, WebhookRepository } from './receivers.ts';
import type { SenderLocks } from './sender-locks.ts';
import { SetFiles } from './set-files.ts';
import { type SetAside, UnusedBlobs } from './unused-blobs.ts';
import { ErasureRepository } from './user-erasure.ts';
import { UserSetRepository } from './user-sets.ts';

/** The differences between the store of a single service and that of a cluster. */
export interface RepositoriesDependencies extends StoreDependencies {
  /** The folder of the store; null if the database and the blobs are not local files. */
  readonly folder: StoreFolder | null;
  readonly setAside?: SetAside;
  readonly lostFiles?: () => LostFiles | null;
  readonly locks: SenderLocks;
  readonly ranges: RangeWork | null;
  readonly cluster: Cluster | null;
  readonly reserve: StoreReserve;
  /** Closes the database and the blobs. */
  readonly close: () => Promise<void>;
}

export async function openRepositories(dependencies: RepositoriesDependencies): Promise<CampaignStore> {
  const { blobs, options, folder, setAside, ranges, cluster, locks, reserve } = dependencies;
  const events = new EventLog(options.traceparent);
  const audit = new AuditRepository(dependencies);
  const unusedBlobs = new UnusedBlobs(dependencies, setAside);
  const setFiles = new SetFiles(dependencies);
  const userSets = new UserSetRepository({ ...dependencies, audit, events, setFiles, unusedBlobs });
  const conversions = new ConversionRepository(dependencies, audit);
  const feedback = new FeedbackRepository({ ...dependencies, audit, setFiles });
  const erasure = new ErasureRepository({ ...dependencies, feedback, setFiles, unusedBlobs, audit });
  const audiences = new AudienceRepository(dependencies, events);
  const cleanup = new Cleanup({ ...dependencies, setFiles, unusedBlobs, folder });
  const expansions = new ExpansionRepository({ ...dependencies, events, feedback });
  const campaigns = new CampaignRepository({
    ...dependencies,
    audiences,
    expansions,
    events,
    setFiles,
    cleanup,
    audit,
  });
  const jobs = new JobRepository({ ...dependencies, events, audiences });
  const apiKeys = new ApiKeyRepository(dependencies, audit);
  const clock = await StoredClock.open({ ...dependencies, apiKeys, isShared: cluster !== null });
  const outbox = new OutboxRepository({ ...dependencies, events, locks });
  return {
    ...methods(campaigns, ['create', 'answerOf', 'keepAnswer', 'update', 'delete']),
    ...methods(campaigns, ['find', 'findLabels', 'get', 'list', 'findAll']),
    ...methods(campaigns, ['countsByState']),
    ...methods(expansions, ['expand', 'expandDue', 'cancel', 'expansion', 'expansionsOf', 'setsOf', 'setBlocks']),
    ...methods(audiences, ['activeAudience', 'activeAudiences', 'audienceVersion', 'audienceVersions']),
    ...methods(audiences, ['activate', 'holdoutPercentsIn', 'changes']),
    ...methods(jobs, ['claim', 'isHeld', 'renew', 'pin', 'advance', 'finish', 'end', 'retryLater']),
    async releaseOwner(owner, how = 'died', working?) {
      await ranges?.release(owner, how, working);
      return jobs.releaseOwner(owner, how, working);
    },
    // the engines of other nodes in a cluster are still running
    releaseAll: cluster === null ? () => jobs.releaseAll() : async () => 0,
    ...methods(feedback, ['addFeedback', 'feedbackOf', 'respondersOf', 'removeUnusedFeedback']),
    ...methods(conversions, ['addConversions', 'convertedUsers', 'removeConversions']),
    ...methods(erasure, ['requestErasure', 'requestedErasures', 'eraseUsers']),
    ...methods(cleanup, ['prune', 'removeUnusedFiles', 'removeLeftovers', 'takeFolder', 'renewGeneration']),
    blobs,
    userSets,
    apiKeys,
    audit,
    outbox,
    cluster,
    ranges,
    receipts: new ReceiptRepository(dependencies),
    webhooks: new WebhookRepository(dependencies, audit),
    destinations: new DestinationRepository(dependencies, audit),
    clock,
    health: new HealthRepository(dependencies, dependencies.lostFiles),
    reserve,
    async close() {
      await outbox.close();
      await clock.close();
      await dependencies.close();
    },
  };
}

/** Binds the named methods of a repository. If a method of the port is not named, the code does not compile. */
function methods<T extends object, const K extends keyof T>(part: T, names: readonly K[]): Pick<T, K> {
  const entries = names.map((name) => [name, (part[name] as (...args: unknown[]) => unknown).bind(part)]);
  return Object.fromEntries(entries);
}
