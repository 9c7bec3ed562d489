/** Parts of the store as several processes have them: each has its own connections, all have one database and clock. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { describe } from 'vitest';
import type { Blobs } from '../../../src/domain/ports/blobs.ts';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { PostgresSenderLocks } from '../../../src/storage/postgres/cluster/sender-locks.ts';
import { openDatabase, type PostgresDatabase } from '../../../src/storage/postgres/database/database.ts';
import { ApiKeyRepository } from '../../../src/storage/sql/api-keys.ts';
import { AuditRepository } from '../../../src/storage/sql/audit-log.ts';
import { insert } from '../../../src/storage/sql/columns.ts';
import { EventLog } from '../../../src/storage/sql/events.ts';
import { FeedbackRepository } from '../../../src/storage/sql/feedback.ts';
import { HealthRepository } from '../../../src/storage/sql/health.ts';
import { OutboxRepository } from '../../../src/storage/sql/outbox.ts';
import { WebhookRepository } from '../../../src/storage/sql/receivers.ts';
import { ONLY_SENDER, type SenderLocks } from '../../../src/storage/sql/sender-locks.ts';
import { SetFiles, withSets } from '../../../src/storage/sql/set-files.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { UnusedBlobs } from '../../../src/storage/sql/unused-blobs.ts';
import { ErasureRepository } from '../../../src/storage/sql/user-erasure.ts';
import { UserSetRepository } from '../../../src/storage/sql/user-sets.ts';
import { DATABASE_FILE, openDatabase as openSqlite } from '../../../src/storage/sqlite/database/database.ts';
import { SqliteDatabase } from '../../../src/storage/sqlite/database/sqlite-database.ts';
import { LEASE_MS, type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { undoAfterTests } from '../../fixture/cleanup.ts';
import { dataFolder, temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

export type Node<D extends Database = PostgresDatabase> = ReturnType<typeof compose<D>>;

export interface Nodes<D extends Database = PostgresDatabase> {
  /** The URL of a database of Postgres, or a data folder. */
  readonly url: string;
  readonly clock: ManualClock;
  readonly blobs: Blobs;
  open(): Promise<Node<D>>;
}

const opened: { close(): Promise<void> }[] = [];
undoAfterTests(async () => {
  for (const node of opened.splice(0)) await node.close();
});

/** Describes what both dialects do. */
export function describeDialects(name: string, tests: (newNodes: () => Promise<Nodes<Database>>) => void): void {
  describe(`${name} in SQLite`, () => tests(newSqliteNodes));
  describeWithPostgres(`${name} in Postgres`, () => tests(newNodes as () => Promise<Nodes<Database>>));
}

/** An empty database of Postgres and a folder of blobs, of which any number of nodes may be open. */
export async function newNodes(): Promise<Nodes> {
  const url = await openMigratedPostgres();
  const clock = manualClock();
  const blobs = new FileBlobs(temporaryFolder());
  return { url, clock, blobs, open: () => openNode(url, clock, blobs) };
}

export async function openNode(url: string, clock: ManualClock, blobs: Blobs): Promise<Node> {
  const database = await openDatabase(url);
  return compose(database, clock, blobs, new PostgresSenderLocks(database));
}

async function newSqliteNodes(): Promise<Nodes<Database>> {
  const folder = dataFolder();
  const clock = manualClock();
  const blobs = new FileBlobs(folder);
  const open = async () => {
    const database = new SqliteDatabase(openSqlite(join(folder, DATABASE_FILE)), {
      files: { refuseIfLost: () => {}, keepCommitted: () => {} },
      reserve: { using: (action) => action() },
    });
    return compose<Database & { close(): Promise<void> }>(database, clock, blobs, ONLY_SENDER);
  };
  return { url: folder, clock, blobs, open };
}

function compose<D extends Database>(
  database: D & { close(): Promise<void> },
  clock: ManualClock,
  blobs: Blobs,
  locks: SenderLocks,
) {
  const options = { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 };
  const connection = { database, blobs, options };
  const audit = new AuditRepository(connection);
  const files = new SetFiles(connection);
  const unusedBlobs = new UnusedBlobs(connection);
  const shared = { ...connection, audit, setFiles: files, unusedBlobs, events: new EventLog() };
  const feedback = new FeedbackRepository(shared);
  const outbox = new OutboxRepository({ ...connection, events: shared.events, locks });
  const node = {
    ...{ connection, database: database as D, audit, files, feedback, outbox },
    apiKeys: new ApiKeyRepository(connection, audit),
    userSets: new UserSetRepository(shared),
    erasure: new ErasureRepository({ ...shared, feedback, folder: null }),
    webhooks: new WebhookRepository(connection, audit),
    health: new HealthRepository(connection),
    close: async () => {
      await outbox.close();
      await database.close();
    },
  };
  opened.push(node);
  return node;
}

/** Inserts a campaign without seeds; returns its id. */
export async function addCampaign({ database }: Node<Database>): Promise<string> {
  const id = randomUUID();
  await insert(database, 'campaigns', {
    ...{ id, name: 'c', features: '{}', unknown_features: 0, missing_features: 0 },
    ...{ audience: '{"size":1}', created_at: 0 },
  });
  return id;
}

/** Replaces the set of an owner, as an upload does. */
export async function replace(
  { userSets }: Pick<Node, 'userSets'>,
  owner: SetOwner,
  ids: readonly string[],
): Promise<void> {
  const collected = userSets.collect();
  for (const id of ids) collected.add(id);
  const everyone = { version: 'p', has: () => true };
  await userSets.change(owner, 'replace', collected, everyone, 1_000).finally(() => collected.close());
}

/** The users of an owner's set. */
export async function idsOf({ userSets, connection }: Node<Database>, owner: SetOwner): Promise<string[]> {
  const name = (await userSets.find(owner))!;
  return withSets(connection.blobs, [name], async ([ids]) => [...ids!].flat());
}

/** Runs a statement as another user of the server. */
export async function atServer(url: string, sql: string, values: unknown[] = []): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(sql, values);
  } finally {
    await client.end();
  }
}
