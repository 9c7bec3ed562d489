/** Opens a store of Postgres and blobs, behind the ports of the domain. */
import { randomUUID } from 'node:crypto';
import type { StoreReserve } from '../../domain/ports/reserve.ts';
import type { BlobLocator, CampaignStore, StoreOptions } from '../../domain/ports/store.ts';
import { PostgresApiKeys } from './api-keys.ts';
import { PostgresAuditLog } from './audit-log.ts';
import { PostgresAudiences } from './campaigns/audiences.ts';
import { PostgresCampaigns } from './campaigns/campaigns.ts';
import { EventLog } from './campaigns/events.ts';
import { PostgresExpansions } from './campaigns/expansions.ts';
import { PostgresJobs } from './campaigns/jobs.ts';
import { PostgresRanges } from './campaigns/ranges.ts';
import { PostgresCluster } from './cluster/cluster.ts';
import type { Connection } from './connection.ts';
import type { Database } from './database/database.ts';
import { openDatabase } from './database/open.ts';
import { type OpenedBlobs, openBlobs } from './open-blobs.ts';
import { Tickets } from './queue/tickets.ts';
import { Cleanup } from './upkeep/cleanup.ts';
import { PostgresClock } from './upkeep/clock.ts';
import { PostgresHealth } from './upkeep/health.ts';
import { CachedSets } from './users/cached-sets.ts';
import { PostgresFeedback } from './users/feedback.ts';
import { SetFiles } from './users/set-files.ts';
import { PostgresUserErasure } from './users/user-erasure.ts';
import { PostgresUserSets } from './users/user-sets.ts';
import { PostgresOutbox } from './webhooks/outbox.ts';
import { PostgresWebhooks } from './webhooks/webhooks.ts';

/** An open store, and what its tests watch. */
interface OpenedStore {
  readonly store: CampaignStore;
  readonly database: Database;
}

/**
 * Opens the database that `url` names, and migrates it. Any number of processes may do so at once. What others have
 * committed is visible to look-ups once this promise resolves.
 * @throws AppError storage_failed, unavailable; invalid_argument if a newer version has migrated the database
 */
export async function openStore(url: string, locator: BlobLocator, options: StoreOptions): Promise<OpenedStore> {
  const opened = await openBlobs(locator, options.onKept);
  let database: Database | null = null;
  try {
    database = await openDatabase(url, options.answersRequests ? 'proved' : 'answers');
    const store = await composed({ database, blobs: opened.blobs, options }, url, opened);
    await database.announcements.caughtUp();
    return { store, database };
  } catch (error) {
    await database?.close();
    opened.close();
    throw error;
  }
}

async function composed(connection: Connection, url: string, opened: OpenedBlobs): Promise<CampaignStore> {
  const { database, blobs, options } = connection;
  const tickets = await Tickets.open(database, url, options.leaseMs);
  const events = new EventLog(options.traceparent);
  const audit = new PostgresAuditLog(connection);
  const setFiles = new SetFiles(connection);
  const userSets = new PostgresUserSets(connection, audit, setFiles);
  const feedback = new PostgresFeedback(connection, audit, setFiles);
  const erasure = new PostgresUserErasure(connection, { feedback, files: setFiles, audit });
  const audiences = new PostgresAudiences(connection, events);
  const cleanup = new Cleanup(connection, { userSets, tickets });
  const expansions = new PostgresExpansions(connection, { events, tickets, feedback });
  const campaigns = new PostgresCampaigns(connection, {
    ...{ audiences, expansions, events, tickets, cleanup, setFiles, audit },
  });
  const jobs = new PostgresJobs(connection, { events, tickets, audiences });
  const ranges = new PostgresRanges(connection);
  const apiKeys = new PostgresApiKeys(connection, audit);
  const clock = await PostgresClock.open(connection);
  const cachedSets = opened.singles && (await CachedSets.open(database, opened.singles));
  const outbox = new PostgresOutbox(connection, events);
  const cluster = new PostgresCluster(database, url, randomUUID(), {
    ...{ blobCache: opened.cache, refusesReads: options.answersRequests ?? false },
  });
  return {
    ...methods(campaigns, ['create', 'answerOf', 'update', 'delete', 'find', 'findLabels', 'get', 'list']),
    ...methods(campaigns, ['countsByState']),
    ...methods(expansions, ['expand', 'expandDue', 'cancel', 'expansion', 'expansionsOf', 'setsOf', 'setBlocks']),
    ...methods(audiences, ['activeAudience', 'activeAudiences', 'audienceVersion', 'audienceVersions']),
    ...methods(audiences, ['activate', 'changes']),
    ...methods(jobs, ['claim', 'isHeld', 'renew', 'pin', 'advance', 'finish', 'end']),
    ...methods(jobs, ['retryLater', 'releaseAll']),
    async releaseOwner(owner, how = 'died', working?) {
      await ranges.release(owner, how, working);
      return jobs.releaseOwner(owner, how, working);
    },
    ...methods(feedback, ['addFeedback', 'feedbackOf', 'respondersOf', 'removeUnusedFeedback']),
    ...methods(erasure, ['requestErasure', 'requestedErasures', 'eraseUsers']),
    ...methods(cleanup, ['prune', 'removeUnusedFiles', 'takeFolder', 'renewGeneration']),
    ...{ blobs, userSets, apiKeys, audit, outbox, cluster, ranges },
    webhooks: new PostgresWebhooks(connection, audit),
    clock,
    health: new PostgresHealth(connection),
    reserve: NO_RESERVE,
    close: async () => {
      apiKeys.close();
      cachedSets?.close();
      await outbox.close();
      await cluster.close();
      await clock.close();
      await tickets.close();
      await database.close();
      opened.close();
    },
  };
}

/** The named methods of a part of the store. A method of a port that is not named is a compile error. */
function methods<T extends object, const K extends keyof T>(part: T, names: readonly K[]): Pick<T, K> {
  const entries = names.map((name) => [name, (part[name] as (...args: unknown[]) => unknown).bind(part)]);
  return Object.fromEntries(entries);
}

/** Deletions need no reserved space: the database and object storage have disks of their own. */
const NO_RESERVE: StoreReserve = {
  sizeBytes: () => 0,
  isGivenUp: false,
  giveUp: () => {},
  keep: async () => {},
  using: (action) => action(),
};
