/** Examines what the processes of a cluster share: the database and the object storage; and the cache of this host. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyCounts, StoreLocator } from '../../../../domain/ports/store.ts';
import { servedModelOf } from '../../../../domain/served.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { freeBytesIn } from '../../../../lib/files/free-bytes.ts';
import { counted } from '../../../../lib/text/counted.ts';
import { requireWritable } from '../../../../service/require-writable.ts';
import type { ServiceEnvironment } from '../../../../service/settings/environment.ts';
import {
  examineSharedStore,
  inspectStore,
  locateSharedStore,
  openBlobFiles,
  openStore,
  readBucketRules,
  requireOwnBlobs,
  requireUsableBlobs,
} from '../../../../storage/open-store.ts';
import { clusterOf } from '../../chosen-store.ts';
import { describeBytes, type Finding, failed, findings, fine, warning } from './finding.ts';

/** A difference between clocks that confuses readers of logs. The service itself follows the database's clock. */
const AHEAD_MS = 60_000;
/** Number of connections that a process opens at most. */
const CONNECTIONS = 13;
/** Leases and limits are not used by what doctor opens. */
const STORE_OPTIONS = { minimumSeeds: 1, leaseMs: 15_000, maximumAttempts: 1 };

interface Examined {
  readonly findings: readonly Finding[];
  /** Keys in the store; null if they could not be read. */
  readonly keys: KeyCounts | null;
}

/** Nothing is changed, but one small object is put into the object storage and deleted again. */
export async function examineCluster(values: ServiceEnvironment, clock: Clock): Promise<Examined> {
  let keys: KeyCounts | null = null;
  const found = await findings('cluster', 'Correct the setting (docs/settings.md lists all settings).', async () => {
    const { store, blobs, cache } = clusterOf(values)!;
    const locator = locateSharedStore(store, { url: blobs, cacheFolder: join(cache, 'blobs') });
    const ofDatabase = await findings(
      'database',
      'Check --store, the network, and the rights of its user.',
      async () => {
        const { found, keys: stored } = await examineDatabase(locator, clock);
        keys = stored;
        return found;
      },
    );
    const isReached = ofDatabase.every(({ status }) => status !== 'failed');
    return [
      ...ofDatabase,
      ...(isReached ? await examineServed(locator, values, clock) : []),
      ...(await findings('object storage', 'Check --blobs, the network, and the rights of its credentials.', () =>
        examineBlobs(locator, clock),
      )),
      ...(await findings('bucket', 'Let these credentials read the rules of the bucket.', () =>
        examineBucket(locator, clock),
      )),
      ...(await findings('cache', 'Name a folder that this user may write: --cache.', () =>
        examineCache(cache, values.limits),
      )),
    ];
  });
  return { findings: found, keys };
}

async function examineDatabase(
  locator: StoreLocator,
  clock: Clock,
): Promise<{ readonly found: readonly Finding[]; readonly keys: KeyCounts | null }> {
  const facts = await examineSharedStore(locator);
  const { serverVersion, connections, aheadMs } = facts;
  const { contents } = await inspectStore(locator, clock.now());
  const where = `Postgres ${serverVersion}${facts.isEncrypted ? ', encrypted' : ''}`;
  const schema = contents === null ? 'empty' : `schema ${contents.version}, ${counted(contents.campaigns, 'campaign')}`;
  const isOld = Number.parseInt(serverVersion, 10) < facts.leastVersion;
  const detail = `${where}, ${schema}`;
  const isBehind = contents === null || contents.version < contents.newestVersion;
  const database = isOld
    ? failed('database', detail, `Upgrade the server to Postgres ${facts.leastVersion} or newer.`)
    : facts.isStandby
      ? failed('database', `${detail}, a standby`, 'Name the primary server in --store.')
      : fine('database', detail);
  const rights = facts.mayMigrate
    ? fine('rights', 'tables and schemas can be made')
    : isBehind
      ? failed('rights', 'no right to make tables', 'GRANT CREATE on the schema public to its user.')
      : warning('rights', 'no right to make tables', 'Grant CREATE to its user before the next upgrade.');
  const left = connections.most - connections.open;
  const room =
    left >= CONNECTIONS
      ? fine('connections', `${connections.open} of ${connections.most} are open`)
      : warning(
          'connections',
          `${connections.open} of ${connections.most} are open`,
          `Raise max_connections: a process opens up to ${CONNECTIONS}.`,
        );
  const seconds = `${Math.abs(aheadMs / 1000).toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the database`;
  const time =
    Math.abs(aheadMs) <= AHEAD_MS
      ? fine('clock', seconds)
      : warning('clock', seconds, 'Set the clocks of this machine and of the database by NTP.');
  return { found: [database, rights, room, time], keys: contents?.keys ?? null };
}

/** Examines what the cluster serves. A database without tables serves nothing, and is not migrated here. */
async function examineServed(
  locator: StoreLocator,
  { METAHEAC_MODEL: model, METAHEAC_POPULATION: population }: ServiceEnvironment,
  clock: Clock,
): Promise<readonly Finding[]> {
  const check = 'served versions';
  const nothing =
    model !== undefined && population !== undefined
      ? fine(check, 'nothing yet: the first node publishes and serves what is given')
      : failed(check, 'nothing yet', 'Give --model and --population to one node, which publishes and serves them.');
  const { contents } = await inspectStore(locator, clock.now());
  if (contents === null || contents.version < contents.newestVersion)
    return [contents === null ? nothing : later(check)];
  const store = await openStore(locator, { clock, ...STORE_OPTIONS });
  try {
    const now = (await store.cluster?.served.get()) ?? null;
    if (now === null) return [nothing];
    const members = (await store.cluster?.members()) ?? [];
    const count = (kind: string) => members.filter((member) => member.kind === kind).length;
    const files = await openBlobFiles(locator.blobs!.url, clock);
    const databaseId = await store.cluster!.databaseId();
    return [
      fine(check, `model ${servedModelOf(now)}, population ${now.population}`),
      fine('members', `${counted(count('node'), 'node')} and ${counted(count('engine'), 'engine')}`),
      ...(await findings('blobs', 'Name the bucket and the prefix of this cluster: --blobs.', async () => {
        await requireOwnBlobs(files, databaseId);
        return [fine('blobs', 'belong to this database')];
      })),
    ];
  } finally {
    await store.close();
  }
}

function later(check: string): Finding {
  return fine(check, 'known after the migration of the database');
}

/** Two hosts must never replace each other's objects, which depends on conditional puts. */
async function examineBlobs(locator: StoreLocator, clock: Clock): Promise<readonly Finding[]> {
  await requireUsableBlobs(locator.blobs!.url, clock);
  return [fine('object storage', 'reads, writes and conditional writes work')];
}

async function examineBucket(locator: StoreLocator, clock: Clock): Promise<readonly Finding[]> {
  const rules = await readBucketRules(locator, clock);
  if (rules === null) return [fine('bucket', 'the blobs are files')];
  const { versioning, objectLock, replication } = rules;
  const detail = `versioning ${versioning}, object lock ${objectLock ?? 'off'}, replication ${replication}`;
  const isKept = (objectLock !== null && objectLock !== 'unknown') || replication === 'on';
  const advice = 'Erased users stay in locked or replicated objects: see that their rules end in time.';
  if (isKept) return [warning('bucket', detail, advice)];
  if (versioning === 'unknown')
    return [warning('bucket', detail, 'Let these credentials read the rules, so that erasures delete all versions.')];
  return [fine('bucket', detail)];
}

function examineCache(
  cache: string,
  { blobCacheBytes, mirrorBytes }: ServiceEnvironment['limits'],
): readonly Finding[] {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  requireWritable(cache);
  const freeBytes = freeBytesIn(cache);
  const most = blobCacheBytes + mirrorBytes;
  const detail = `${cache}, ${describeBytes(freeBytes)} free, of which up to ${describeBytes(most)} are used`;
  if (freeBytes >= most) return [fine('cache', detail)];
  return [warning('cache', detail, 'Use a larger disk, or lower --blob-cache-bytes and --mirror-bytes.')];
}
