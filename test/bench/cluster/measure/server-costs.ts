/** What calls of the database and of object storage take, measured in this process while nothing else calls them. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { CampaignStore } from '../../../../src/domain/ports/store.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { assert } from '../../../../src/lib/errors.ts';
import { locateSharedStore, openStore } from '../../../../src/storage/open-store.ts';
import type { Costs } from '../costs.ts';
import type { Servers } from './servers.ts';

const LIMITS = { minimumSeeds: 10, leaseMs: 15_000, maximumAttempts: 5 };
const OWNER = 'bench:calibration';
const PART_BYTES = 8 * 2 ** 20;

interface ServerSizes {
  readonly calls: number;
  readonly smallBlobs: number;
  /** Parts of the large blob. */
  readonly parts: number;
}

interface Opened {
  /** With an empty cache. */
  open(): Promise<CampaignStore>;
}

/** Opens the store of the cluster, each time with another cache. */
export function openerOf({ database, blobs, credentials }: Servers, folder: string): Opened {
  let opened = 0;
  return {
    open: () => {
      // the SDK finds them in the environment
      Object.assign(process.env, credentials);
      const cacheFolder = join(folder, `cache-calibration-${opened++}`);
      return openStore(locateSharedStore(database, { url: blobs, cacheFolder }), { clock: systemClock, ...LIMITS });
    },
  };
}

/** Renewals of a job's lease: a transaction that locks a row, decides, and changes it. No engine may take the job. */
export async function measureDatabase(
  store: CampaignStore,
  servers: Servers,
  { calls }: ServerSizes,
): Promise<Pick<Costs['database'], 'callSeconds' | 'serverSeconds' | 'processorSecondsPerCall'>> {
  const job = await store.claim(OWNER);
  assert(job !== null, 'a campaign waits to be claimed');
  const renew = async (times: number) => {
    for (let i = 0; i < times; i++) assert(await store.renew(job), 'the lease is held');
  };
  await renew(Math.ceil(calls / 10)); // compiles the code
  const before = { server: servers.seconds.postgres(), own: process.cpuUsage(), at: performance.now() };
  await renew(calls);
  const seconds = (performance.now() - before.at) / 1000;
  const serverSeconds = (servers.seconds.postgres() - before.server) / calls;
  const processorSecondsPerCall = ownSeconds(before.own) / calls;
  const callSeconds = Math.max(0, seconds / calls - serverSeconds - processorSecondsPerCall);
  return { callSeconds, serverSeconds, processorSecondsPerCall };
}

type StorageCosts = Pick<
  Costs['storage'],
  'requestSeconds' | 'bytesPerSecond' | 'processorSecondsPerRequest' | 'processorSecondsPerByte'
>;

/** Small blobs one after another tell what a request takes, a large one tells what bytes take. */
export async function measureStorage(opener: Opened, servers: Servers, sizes: ServerSizes): Promise<StorageCosts> {
  const [writing, reading] = [await opener.open(), await opener.open()];
  try {
    const bytes = randomBytes(1024);
    const put = async (count: number) => {
      for (let i = 0; i < count; i++) await writing.blobs.publish(`calibration/${i}`, new Map([['file', bytes]]));
    };
    await put(Math.ceil(sizes.smallBlobs / 10));
    const small = await watch(servers, () => put(sizes.smallBlobs));
    const perRequest = small.processor / small.requests;
    const part = randomBytes(PART_BYTES);
    const large = await watch(servers, async () => {
      const writer = writing.blobs.write('calibration/large');
      // parts that are equal would be stored once in the cache of a reader
      for (let i = 0; i < sizes.parts; i++) writer.write(different(part, i));
      await (await writer.finish()).publish('file');
      const read = await reading.blobs.read('calibration/large', 'file');
      assert(read.length === sizes.parts * PART_BYTES, 'all bytes are read');
    });
    return {
      requestSeconds: Math.max(0, small.seconds - small.processor) / small.requests,
      bytesPerSecond: large.bytes / large.seconds,
      processorSecondsPerRequest: perRequest,
      processorSecondsPerByte: Math.max(0, large.processor - large.requests * perRequest) / large.bytes,
    };
  } finally {
    await writing.close();
    await reading.close();
  }
}

function different(part: Buffer, i: number): Buffer {
  const copy = Buffer.from(part);
  createHash('sha256').update(String(i)).digest().copy(copy);
  return copy;
}

async function watch(servers: Servers, work: () => Promise<unknown>) {
  await servers.requests();
  const before = { own: process.cpuUsage(), at: performance.now() };
  await work();
  const seconds = (performance.now() - before.at) / 1000;
  const processor = ownSeconds(before.own);
  const requests = await servers.requests();
  const bytes = requests.reduce((sum, { sentBytes, receivedBytes }) => sum + sentBytes + receivedBytes, 0);
  return { seconds, processor, requests: requests.length, bytes };
}

function ownSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}
