/** What a cluster leaves of unfinished work, once the leader has removed what killed processes left. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { systemClock } from '../../../src/lib/clock.ts';
import { PostgresDatabase } from '../../../src/storage/postgres/database/database.ts';
import { DEFAULT_BLOB_LIMITS } from '../../../src/storage/s3/limits.ts';
import { openS3 } from '../../../src/storage/s3/open-s3.ts';
import { SetFiles } from '../../../src/storage/sql/set-files.ts';
import { s3Client } from '../../fixture/s3.ts';
import type { Verdict } from '../verdict.ts';
import type { Stage } from './stage.ts';

const SWEEP_AFTER_MS = 2 * DEFAULT_BLOB_LIMITS.blobLeftoverMs;
/** Unused folders are removed a second time when they are older than an hour. */
const AGED_MS = 2 * 3600_000;
/** Each folder is removed twice, and not every node that ends has led. */
const UPKEEP_MS = 180_000;
const PRUNING_MS = 3_000;

/**
 * Makes unused folders older, and ends all nodes one after another: whichever leads next removes old data at once.
 */
export async function checkUpkeep({ postgres, nodes }: Stage, { leftOver }: Pick<Verdict, 'leftOver'>): Promise<void> {
  const aged = ['unused_since', 'removed_at'].map((column) => `${column} = ${column} - ${AGED_MS}`);
  const end = performance.now() + UPKEEP_MS;
  for (let round = 0; ; round++) {
    const folders = await postgres.query<{ folder: string }>('SELECT folder FROM unused_blobs');
    if (folders.length === 0) return;
    if (performance.now() > end) {
      leftOver.push(...folders.map(({ folder }) => `the unused folder ${folder}`));
      return;
    }
    await postgres.query(`UPDATE unused_blobs SET ${aged.join(', ')}`);
    const { member } = nodes[round % nodes.length]!;
    await member.leave(false);
    await member.ready();
    await sleep(PRUNING_MS);
  }
}

/**
 * Jobs, inputs and parts of ranges, uploads of parts; damage and orphans that `verify` finds. Before it
 * looks, it removes what killed writers left, as the leader does once that is a day old; nobody may be writing.
 */
export async function checkLeft(
  stage: Stage,
  cacheFolder: string,
  { lost, leftOver }: Pick<Verdict, 'lost' | 'leftOver'>,
): Promise<void> {
  await removeOld(stage, cacheFolder);
  const { postgres, s3, prefix, operator } = stage;
  const client = s3Client({ endpoint: s3.endpoint, credentials: s3 });
  leftOver.push(...(await postgres.query<{ id: string }>('SELECT id FROM jobs')).map(({ id }) => `the job ${id}`));
  for await (const page of paginateListObjectsV2({ client }, { Bucket: s3.bucket, Prefix: `${prefix}/` }))
    for (const { Key: key = '' } of page.Contents ?? [])
      if (key.split('/').includes('work')) leftOver.push(`the object ${key}`);
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }));
  for (const { Key: key } of uploads.Uploads ?? []) leftOver.push(`an unfinished upload of ${key}`);
  client.destroy();
  const { faults, orphans } = JSON.parse(await operator.run('verify', '--json')) as {
    readonly faults: readonly { readonly path: string; readonly message: string }[];
    readonly orphans: readonly string[];
  };
  for (const { path, message } of faults) lost.push(`verify: ${path}: ${message}`);
  leftOver.push(...orphans.map((path) => `the orphan ${path}`));
}

/** Removes parts of blobs and files of sets that no row names, as if they were older than a day. */
async function removeOld({ postgres, s3, prefix }: Stage, cacheFolder: string): Promise<void> {
  const url = `s3://${s3.bucket}/${prefix}?endpoint=${s3.endpoint}`;
  const clock = { ...systemClock, now: () => systemClock.now() + SWEEP_AFTER_MS };
  const opened = openS3({ url, cacheFolder }, { clock, credentials: s3 });
  const database = new PostgresDatabase(postgres.url(), 1);
  try {
    await opened.sweep();
    const options = { clock, minimumSeeds: 1, leaseMs: 15_000, maximumAttempts: 1 };
    await new SetFiles({ database, blobs: opened.blobs, options }).removeLeftovers();
  } finally {
    await database.close();
    opened.close();
  }
}
