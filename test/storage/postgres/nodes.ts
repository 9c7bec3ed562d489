/** Parts of the store as several nodes have them: each node has its own connections, all have one database and clock. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Blobs } from '../../../src/domain/ports/blobs.ts';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { PromisedBlobs } from '../../../src/storage/files/promised-blobs.ts';
import { PostgresApiKeys } from '../../../src/storage/postgres/api-keys.ts';
import { PostgresAuditLog } from '../../../src/storage/postgres/audit-log.ts';
import { EventLog } from '../../../src/storage/postgres/campaigns/events.ts';
import { insert } from '../../../src/storage/postgres/database/columns.ts';
import { openDatabase } from '../../../src/storage/postgres/database/open.ts';
import { PostgresHealth } from '../../../src/storage/postgres/upkeep/health.ts';
import { PostgresFeedback } from '../../../src/storage/postgres/users/feedback.ts';
import { SetFiles, withSets } from '../../../src/storage/postgres/users/set-files.ts';
import { PostgresUserErasure } from '../../../src/storage/postgres/users/user-erasure.ts';
import { PostgresUserSets } from '../../../src/storage/postgres/users/user-sets.ts';
import { PostgresOutbox } from '../../../src/storage/postgres/webhooks/outbox.ts';
import { PostgresWebhooks } from '../../../src/storage/postgres/webhooks/webhooks.ts';
import { LEASE_MS, type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { undoAfterTests } from '../../fixture/cleanup.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { openMigratedPostgres } from '../../fixture/postgres.ts';

export type Node = Awaited<ReturnType<typeof openNode>>;

export interface Nodes {
  readonly url: string;
  readonly clock: ManualClock;
  readonly blobs: Blobs;
  open(): Promise<Node>;
}

const opened: { close(): Promise<void> }[] = [];
undoAfterTests(async () => {
  for (const node of opened.splice(0)) await node.close();
});

/** An empty database and a folder of blobs, of which any number of nodes may be open. */
export async function newNodes(): Promise<Nodes> {
  const url = await openMigratedPostgres();
  const clock = manualClock();
  const blobs = new PromisedBlobs(new FileBlobs(temporaryFolder()));
  return { url, clock, blobs, open: () => openNode(url, clock, blobs) };
}

export async function openNode(url: string, clock: ManualClock, blobs: Blobs) {
  const database = await openDatabase(url);
  const options = { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 };
  const connection = { database, blobs, options };
  const audit = new PostgresAuditLog(connection);
  const files = new SetFiles(connection);
  const feedback = new PostgresFeedback(connection, audit, files);
  const outbox = new PostgresOutbox(connection, new EventLog());
  const apiKeys = new PostgresApiKeys(connection, audit);
  const node = {
    ...{ connection, database, audit, files, feedback, outbox, apiKeys },
    userSets: new PostgresUserSets(connection, audit, files),
    erasure: new PostgresUserErasure(connection, { feedback, files, audit }),
    webhooks: new PostgresWebhooks(connection, audit),
    health: new PostgresHealth(connection),
    close: async () => {
      apiKeys.close();
      await outbox.close();
      await database.close();
    },
  };
  opened.push(node);
  return node;
}

/** Inserts a campaign without seeds; returns its id. */
export async function addCampaign({ database }: Node): Promise<string> {
  const id = randomUUID();
  await insert(database, 'campaigns', {
    ...{ id, name: 'c', features: '{}', unknown_features: 0, missing_features: 0 },
    ...{ audience: '{"size":1}', created_at: 0 },
  });
  return id;
}

/** Replaces the set of an owner, as an upload does. */
export async function replace({ userSets }: Node, owner: SetOwner, ids: readonly string[]): Promise<void> {
  const collected = userSets.collect();
  for (const id of ids) collected.add(id);
  const everyone = { version: 'p', has: () => true };
  await userSets.change(owner, 'replace', collected, everyone, 1_000).finally(() => collected.close());
}

/** The users of an owner's set. */
export async function idsOf({ userSets, connection }: Node, owner: SetOwner): Promise<string[]> {
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
