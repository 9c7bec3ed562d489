/** What a cluster leaves of unfinished work, once the leader has removed what killed processes left. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { systemClock } from '../../../src/lib/clock.ts';
import { DEFAULT_BLOB_LIMITS } from '../../../src/storage/s3/limits.ts';
import { openS3 } from '../../../src/storage/s3/open-s3.ts';
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
 * `verify` must then find neither damage nor orphans.
 */
export async function checkUpkeep(stage: Stage, { lost, leftOver }: Pick<Verdict, 'lost' | 'leftOver'>): Promise<void> {
  const { postgres, nodes, operator } = stage;
  const aged = ['unused_since', 'removed_at'].map((column) => `${column} = ${column} - ${AGED_MS}`);
  const end = performance.now() + UPKEEP_MS;
  for (let round = 0; ; round++) {
    const folders = await postgres.query<{ folder: string }>('SELECT folder FROM unused_blobs');
    if (folders.length === 0) break;
    if (performance.now() > end) {
      leftOver.push(...folders.map(({ folder }) => `the unused folder ${folder}`));
      break;
    }
    await postgres.query(`UPDATE unused_blobs SET ${aged.join(', ')}`);
    const { member } = nodes[round % nodes.length]!;
    await member.leave(false);
    await member.ready();
    await sleep(PRUNING_MS);
  }
  const { faults, orphans } = JSON.parse(await operator.run('verify', '--json')) as {
    readonly faults: readonly { readonly path: string; readonly message: string }[];
    readonly orphans: readonly string[];
  };
  for (const { path, message } of faults) lost.push(`verify: ${path}: ${message}`);
  leftOver.push(...orphans.map((path) => `the orphan ${path}`));
}

/**
 * Jobs, their tickets, inputs and parts of ranges, uploads of parts. Before it looks, it removes what killed writers
 * left, as the leader does once that is a day old; nobody may be writing.
 */
export async function leftOver({ postgres, s3, prefix }: Stage, cacheFolder: string): Promise<string[]> {
  const url = `s3://${s3.bucket}/${prefix}?endpoint=${s3.endpoint}`;
  const tomorrow = { ...systemClock, now: () => systemClock.now() + SWEEP_AFTER_MS };
  const ofS3 = { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey };
  const opened = openS3({ url, cacheFolder }, { clock: tomorrow, credentials: ofS3 });
  await opened.sweep();
  opened.close();
  const client = s3Client({ endpoint: s3.endpoint, credentials: ofS3 });
  const found = (await postgres.query<{ id: string }>('SELECT id FROM jobs')).map(({ id }) => `the job ${id}`);
  const tickets = await postgres.query<{ id: string }>('SELECT id FROM pgboss.job');
  found.push(...tickets.map(({ id }) => `the ticket ${id}`));
  for await (const page of paginateListObjectsV2({ client }, { Bucket: s3.bucket, Prefix: `${prefix}/` }))
    for (const { Key: key = '' } of page.Contents ?? [])
      if (key.split('/').includes('work')) found.push(`the object ${key}`);
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }));
  for (const { Key: key } of uploads.Uploads ?? []) found.push(`an unfinished upload of ${key}`);
  client.destroy();
  return found;
}
