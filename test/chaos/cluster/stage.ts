/**
 * The cluster of a chaos run: Postgres, object storage, two nodes and three engines, each of which reaches the database
 * and the storage through proxies of its own, and an operator.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { freePort } from '../../../src/demo/free-port.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import { BusyGate } from '../../fixture/network/busy-gate.ts';
import { FlakyProxy } from '../../fixture/network/flaky-proxy.ts';
import { startS3 } from '../../fixture/s3/s3-server.ts';
import { s3Client } from '../../fixture/s3.ts';
import { type Callable, Member } from '../member.ts';
import { Operator } from '../operator.ts';
import { EventReceiver } from '../receiver.ts';
import type { World } from '../world.ts';
import { makeNextRelease, type Release, thisRelease } from './next-release.ts';
import { RestartablePostgres } from './postgres.ts';
import { Station } from './station.ts';

const LOOPBACK = '127.0.0.1';
const NODES = 2;
const ENGINES = 3;
const PREFIX = 'chaos';
/** The paths of two webhooks, which get all events. */
export const WEBHOOKS = ['/first', '/second'] as const;
const KEY = 'a-key-of-the-chaos-test-and-of-nothing-else';
const SETTINGS = {
  METAHEAC_API_KEY: KEY,
  METAHEAC_RETAINED_VERSIONS: '1000',
  // a kill must not use up the attempts of the expansion that it ends
  METAHEAC_MAXIMUM_ATTEMPTS: '100',
  // the population has three segments, so that each expansion has three ranges
  METAHEAC_RANGE_SEGMENTS: '1',
};
const LIMITS = { webhookTimeoutMs: 2_000 };

export interface Stage {
  readonly postgres: RestartablePostgres;
  readonly gate: BusyGate;
  readonly s3: Awaited<ReturnType<typeof startS3>>;
  readonly prefix: string;
  /** Passes each call to one of the nodes, as a load balancer does. */
  readonly front: Callable;
  readonly operator: Operator;
  readonly receiver: EventReceiver;
  /** These sources, and the release after them. */
  readonly releases: readonly [Release, Release];
  /** The first node expands campaigns too. The other starts an engine when it checks a model. */
  readonly nodes: readonly Station[];
  readonly engines: readonly Station[];
  close(): Promise<void>;
}

interface StageOptions {
  readonly world: World;
  readonly folder: string;
  readonly rng: Rng;
}

/** Starts everything, and publishes all models and versions of the population; the first ones are served. */
export async function openStage({ world, folder, rng }: StageOptions): Promise<Stage> {
  const postgres = await RestartablePostgres.start(join(folder, 'postgres'));
  const s3 = await startS3({ now: systemClock.now });
  await keepVersions(s3);
  const gate = await BusyGate.start({ host: LOOPBACK, port: Number(new URL(s3.endpoint).port) });
  const releases = [thisRelease(), makeNextRelease(join(folder, 'next-release'))] as const;
  const proxies: FlakyProxy[] = [];
  const stations: Station[] = [];
  const proxy = async (name: string, port: number) => {
    const made = await FlakyProxy.start({ host: LOOPBACK, port }, rng.fork(name));
    proxies.push(made);
    return made;
  };
  const lines = async (name: string) => ({
    database: await proxy(`${name} database`, postgres.port),
    storage: await proxy(`${name} storage`, gate.port),
  });
  const envOf = (name: string, { database, storage }: Awaited<ReturnType<typeof lines>>) => {
    const cache = join(folder, `cache-${name}`);
    mkdirSync(cache, { recursive: true });
    return {
      ...SETTINGS,
      METAHEAC_STORE: postgres.url(database),
      METAHEAC_BLOBS: `s3://${s3.bucket}/${PREFIX}?endpoint=http://${storage.host}:${storage.port}`,
      METAHEAC_CACHE: cache,
      METAHEAC_WEBHOOK_ALLOWED_HOSTS: LOOPBACK,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      AWS_REGION: 'us-east-1',
    };
  };
  const open = async (name: string, words: readonly string[], given: readonly string[] = []): Promise<Station> => {
    const own = await lines(name);
    const port = await freePort();
    const args = [...words, '--port', String(port), '--threads', '1'];
    const [url, env] = [`http://${LOOPBACK}:${port}`, envOf(name, own)];
    const member = new Member({ name, args: [...args, ...given], url, key: KEY, env, limits: LIMITS });
    const station = new Station(member, own);
    stations.push(station);
    if (words[0] === 'serve') await member.ready();
    member.become({ args });
    return station;
  };
  const population = join(folder, 'operator');
  cpSync(world.pristine, population, { recursive: true });
  const first = ['--model', world.models[0]!.folder, '--population', population];
  const nodes = [await open('node-0', ['serve', '--engine'], first)];
  for (let i = 1; i < NODES; i++) nodes.push(await open(`node-${i}`, ['serve']));
  const engines: Station[] = [];
  for (let i = 0; i < ENGINES; i++) engines.push(await open(`engine-${i}`, ['engine']));
  const operator = new Operator({ folder, env: envOf('operator', await lines('operator')) });
  for (const model of world.models.slice(1)) await operator.run('model', 'publish', model.folder);
  for (const version of world.versions.slice(1))
    await operator.run('population', 'publish', population, '--version', version);
  const draws = rng.fork('front door');
  const front: Callable = { call: (...request) => nodes[draws.integer(NODES)]!.member.call(...request) };
  const receiver = await EventReceiver.open(LOOPBACK);
  for (const path of WEBHOOKS) await front.call('POST', '/v1/webhooks', { url: receiver.url(path) });
  const close = async () => {
    for (const each of proxies) await each.close();
    await receiver.close();
    await gate.close();
    await s3.close();
    await postgres.stop();
  };
  return {
    postgres,
    gate,
    s3,
    prefix: PREFIX,
    front,
    operator,
    receiver,
    releases,
    nodes,
    engines,
    close,
  };
}

/** Turns on versions of the bucket, so that a deletion which leaves an earlier version behind can be found. */
async function keepVersions({ endpoint, bucket, ...credentials }: Stage['s3']): Promise<void> {
  const client = s3Client({ endpoint, credentials });
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  client.destroy();
}
