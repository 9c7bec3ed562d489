/**
 * The cluster of a chaos run: Postgres, object storage, two nodes and three engines, each of which reaches the database
 * and the storage through proxies of its own.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startS3 } from '../../../src/demo/servers/s3-server.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import { BusyGate } from '../../fixture/network/busy-gate.ts';
import { FlakyProxy } from '../../fixture/network/flaky-proxy.ts';
import type { World } from '../world.ts';
import { freePort } from './free-port.ts';
import { Member } from './member.ts';
import { RestartablePostgres } from './postgres.ts';

const NODES = 2;
const ENGINES = 3;
const PREFIX = 'chaos';
const SETTINGS = {
  METAHEAC_DEVICE: 'cpu',
  METAHEAC_RETAINED_VERSIONS: '1000',
  // a kill must not use up the attempts of the expansion that it ends
  METAHEAC_MAXIMUM_ATTEMPTS: '100',
  // the population has two segments, so that each expansion has two ranges
  METAHEAC_RANGE_SEGMENTS: '1',
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
};

/** A member and its lines to the database and to object storage. */
export interface Station {
  readonly member: Member;
  readonly database: FlakyProxy;
  readonly storage: FlakyProxy;
}

export interface Stage {
  readonly postgres: RestartablePostgres;
  readonly gate: BusyGate;
  readonly s3: Awaited<ReturnType<typeof startS3>>;
  readonly prefix: string;
  readonly nodes: readonly Station[];
  readonly engines: readonly Station[];
  close(): Promise<void>;
}

/** Starts everything; the first node publishes the model and the population that the cluster serves. */
export async function openStage(world: World, folder: string, rng: Rng): Promise<Stage> {
  const postgres = await RestartablePostgres.start(join(folder, 'postgres'));
  const s3 = await startS3({ now: systemClock.now });
  const gate = await BusyGate.start({ host: '127.0.0.1', port: Number(new URL(s3.endpoint).port) });
  const lines: FlakyProxy[] = [];
  const stations: Station[] = [];
  const line = async (name: string, port: number) => {
    const proxy = await FlakyProxy.start({ host: '127.0.0.1', port }, rng.fork(name));
    lines.push(proxy);
    return proxy;
  };
  const open = async (name: string, words: readonly string[], port: number | null): Promise<Station> => {
    const database = await line(`${name} database`, postgres.port);
    const storage = await line(`${name} storage`, gate.port);
    const cache = join(folder, `cache-${name}`);
    mkdirSync(cache, { recursive: true });
    const env = {
      ...SETTINGS,
      METAHEAC_STORE: postgres.url(database.port),
      METAHEAC_BLOBS: `s3://${s3.bucket}/${PREFIX}?endpoint=http://127.0.0.1:${storage.port}`,
      METAHEAC_CACHE: cache,
      ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey, AWS_REGION: 'us-east-1' },
    };
    const member = new Member({ name, args: [...words, '--threads', '1'], env, limits: {}, port });
    const station = { member, database, storage };
    stations.push(station);
    return station;
  };
  const openNode = async (i: number, given: readonly string[]) => {
    const port = await freePort();
    const station = await open(`node-${i}`, ['serve', '--port', String(port), ...given], port);
    await station.member.ready();
    return station;
  };
  const given = ['--model', world.models[0]!.folder, '--population', world.pristine];
  const nodes = [await openNode(0, given)];
  for (let i = 1; i < NODES; i++) nodes.push(await openNode(i, []));
  const engines: Station[] = [];
  for (let i = 0; i < ENGINES; i++) engines.push(await open(`engine-${i}`, ['engine'], null));
  const close = async () => {
    for (const { member } of stations) member.end();
    for (const proxy of lines) await proxy.close();
    await gate.close();
    await s3.close();
    await postgres.stop();
  };
  return { ...{ postgres, gate, s3, prefix: PREFIX, nodes, engines }, close };
}
