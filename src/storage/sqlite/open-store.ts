/** Opens the store of a data folder: a SQLite database and files, behind the ports of the domain. */
import { join, resolve } from 'node:path';
import type { CampaignStore, StoreFiles, StoreOptions } from '../../domain/ports/store.ts';
import { createClosedFolder, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { FileBlobs } from '../files/blobs.ts';
import { PromisedBlobs } from '../files/promised-blobs.ts';
import { userSetBlocks } from '../files/set-file.ts';
import { SqliteApiKeys } from './api-keys.ts';
import { SqliteAudiences } from './audiences.ts';
import { SqliteAuditLog } from './audit-log.ts';
import { CampaignRows } from './campaign-rows.ts';
import { SqliteCampaigns } from './campaigns.ts';
import { Cleanup } from './cleanup.ts';
import { SqliteClock } from './clock.ts';
import type { Connection } from './connection.ts';
import { onDamagedRow } from './database/damaged-rows.ts';
import { refuseStranded } from './database/data-folder.ts';
import { DATABASE_FILE, guardFiles, openDatabase } from './database/database.ts';
import { DatabaseFiles } from './database/database-files.ts';
import { Freshness } from './database/driver.ts';
import { discardFiles } from './database/folder-mark.ts';
import { Reserve } from './database/reserve.ts';
import { EventLog } from './events.ts';
import { ExpansionRows } from './expansion-rows.ts';
import { SqliteExpansions } from './expansions.ts';
import { SqliteFeedback } from './feedback.ts';
import { SqliteHealth } from './health.ts';
import { SqliteJobs } from './jobs.ts';
import { SqliteOutbox } from './outbox.ts';
import { promised } from './promised.ts';
import { SqliteUserErasure } from './user-erasure.ts';
import { SqliteUserSets } from './user-sets.ts';
import { SqliteWebhooks } from './webhooks.ts';

/**
 * Opens the data folder, creates it if missing, and migrates the database. Any number of processes may open a folder at
 * once. @throws AppError storage_failed; invalid_argument if the file is not a database, if the database has a newer
 * version, or if it is missing or empty although the folder has files
 */
export async function openStore(dataDir: string, options: StoreOptions): Promise<CampaignStore> {
  const absolute = resolve(dataDir);
  try {
    createClosedFolder(absolute);
    refuseStranded(absolute);
    const reserve = new Reserve(absolute);
    const database = reserve.usingSync(() => openDatabase(join(absolute, DATABASE_FILE)));
    reserve.serve(database);
    syncFolder(absolute);
    const files = new DatabaseFiles(database, {
      isSaver: options.saves === true,
      now: () => options.clock.now(),
      reserve,
    });
    guardFiles(database, files);
    if (options.onDamagedRow !== undefined) onDamagedRow(database, options.onDamagedRow);
    const discard = (paths: readonly string[]) => discardFiles(database, absolute, paths, options.clock.now());
    return composed({ database, files, reserve, dataDir: absolute, blobs: new FileBlobs(absolute), options, discard });
  } catch (error) {
    throw storageError(`open data folder ${absolute}`, error);
  }
}

/** Opens the blobs and user sets of the data folder, without the database. */
export function openFiles(dataDir: string): StoreFiles {
  const blobs = new FileBlobs(dataDir);
  return { blobs: new PromisedBlobs(blobs), setBlocks: async (sha256) => userSetBlocks(blobs, sha256) };
}

function composed(connection: Connection): CampaignStore {
  const { database, blobs, options } = connection;
  const { clock } = options;
  const freshness = new Freshness(database);
  const audit = new SqliteAuditLog(database, clock);
  const campaigns = new CampaignRows(database);
  const events = new EventLog(database, options.traceparent);
  const expansions = new ExpansionRows(database, events);
  const userSets = new SqliteUserSets(connection, audit);
  const feedback = new SqliteFeedback(connection, audit, campaigns);
  const erasure = new SqliteUserErasure(connection, { feedback, userSets, audit });
  const audienceStore = new SqliteAudiences(connection, { campaigns, events, freshness });
  const cleanup = new Cleanup(connection, { audiences: audienceStore, userSets });
  const expansionStore = new SqliteExpansions(connection, { campaigns, expansions, events, feedback });
  const campaignStore = new SqliteCampaigns(connection, {
    ...{ campaigns, events, cleanup, feedback, audit },
    ...{ audiences: audienceStore, expansions: expansionStore },
  });
  const jobStore = new SqliteJobs(connection, { expansions, audiences: audienceStore });
  const health = new SqliteHealth(connection);
  const apiKeys = new SqliteApiKeys(database, { audit, freshness, clock });
  return {
    ...promised(campaignStore, ['create', 'answerOf', 'update', 'delete']),
    ...promised(campaigns, ['find', 'findLabels', 'get', 'list', 'countsByState']),
    ...promised(expansionStore, ['expand', 'expandDue', 'cancel', 'expansion', 'expansionsOf', 'setsOf', 'setBlocks']),
    ...promised(audienceStore, ['activeAudience', 'activeAudiences', 'audienceVersion', 'audienceVersions']),
    ...promised(audienceStore, ['activate', 'changes']),
    ...promised(jobStore, ['claim', 'isHeld', 'renew', 'pin', 'advance', 'finish', 'end']),
    ...promised(jobStore, ['retryLater', 'releaseOwner', 'releaseAll']),
    ...promised(feedback, ['addFeedback', 'feedbackOf', 'respondersOf', 'removeUnusedFeedback']),
    ...promised(erasure, ['requestErasure', 'requestedErasures', 'eraseUsers']),
    ...promised(cleanup, ['prune', 'removeUnusedFiles', 'takeFolder', 'renewGeneration']),
    blobs: new PromisedBlobs(blobs),
    userSets: {
      collect: () => userSets.collect(),
      ...promised(userSets, ['change', 'find', 'clear', 'report', 'unknownOf', 'removeUnused', 'removeLeftovers']),
    },
    webhooks: promised(new SqliteWebhooks(database, audit), ['create', 'get', 'list', 'update', 'remove', 'rotate']),
    outbox: promised(new SqliteOutbox(database, events), [
      ...(['ping', 'replay', 'deliveries', 'due', 'record', 'failStranded', 'prune', 'pendingCount'] as const),
    ]),
    apiKeys: promised(apiKeys, ['create', 'get', 'list', 'revoke', 'find', 'recordExpired', 'exist']),
    audit: {
      during: (pending, work) => audit.during(pending, work),
      ...promised(audit, ['record', 'list', 'prune']),
    },
    clock: new SqliteClock(database, apiKeys),
    health: {
      lostFiles: () => health.lostFiles(),
      ...promised(health, ['probe', 'queue', 'lastFailures', 'schemaVersion']),
    },
    ranges: null,
    cluster: null,
    reserve: connection.reserve,
    close: async () => void database.close(),
  };
}
