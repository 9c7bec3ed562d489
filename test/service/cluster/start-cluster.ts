/** Nodes and engines of a cluster in this process, on a database of Postgres and blobs in a folder. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type RunningServer, serve } from '../../../src/http/serve.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import {
  type EngineHost,
  type EngineHostOptions,
  type NodeOptions,
  openEngineHost,
  openNode,
} from '../../../src/service/cluster/engine-host.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { openMigratedPostgres } from '../../fixture/postgres.ts';

export interface TestCluster {
  /** URL of the database. */
  readonly store: string;
  /** URL of the blobs, which are files of this machine. */
  readonly blobs: string;
  startNode(options?: Partial<NodeOptions>): Promise<RunningServer>;
  startEngine(options?: Partial<EngineHostOptions>): Promise<EngineHost>;
  /** Stops all processes that still run. */
  close(): Promise<void>;
}

/** By default, the database has its tables already. */
export async function openCluster(database = openMigratedPostgres()): Promise<TestCluster> {
  const folder = temporaryFolder();
  const store = await database;
  const blobs = pathToFileURL(join(folder, 'blobs')).href;
  const logger = createLogger('silent', 'test');
  const closers: (() => Promise<void>)[] = [];
  let hosts = 0;
  const shared = () => ({
    ...{ store, blobs, cache: join(folder, `cache-${++hosts}`), logger, logLevel: 'silent' },
    ...{ device: 'cpu', threads: 1, limits: { minimumSeeds: 5 } },
  });
  return {
    ...{ store, blobs },
    startNode: async (given = {}) => {
      const options: NodeOptions = {
        ...{ ...shared(), host: '127.0.0.1', port: 0, apiKey: null, hasEngine: false },
        ...{ webhookAllowedHosts: ['127.0.0.1'], ...given },
      };
      const server = await serve(await openNode(options), options);
      closers.push(() => server.close());
      return server;
    },
    startEngine: async (given = {}) => {
      const host = await openEngineHost({ ...shared(), ...given });
      closers.push(() => host.close());
      await host.start();
      return host;
    },
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}
