/**
 * A server that commits and writes a file for each request, within the open-file limit of its process:
 * `node serve-with-few-files.ts <data folder>`.
 */
import type { AddressInfo } from 'node:net';
import { DEFAULT_SERVER_CONFIG } from '../../../src/http/config.ts';
import { createServers } from '../../../src/http/plugins/connections/connections.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openFileLimit, withinOpenFiles } from '../../../src/service/open-files.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';

const [, , folder = ''] = process.argv;
const limits = { ...DEFAULT_SERVER_CONFIG, openRankings: 8, reservedDescriptors: 100 };
const config = withinOpenFiles(limits, openFileLimit());
let written = 0;
const serve = createServers(config, () => {});
const server = serve(async (_request, response) => {
  try {
    const store = await openStore(folder, { clock: systemClock, minimumSeeds: 1, leaseMs: 1000, maximumAttempts: 3 });
    await store.webhooks.create({ url: 'https://example.com/', events: [], description: '' }, 100, systemClock.now());
    await store.blobs.publish(`ranking-${written++}`, new Map([['scores', Buffer.from('x')]]));
    await store.close();
    response.writeHead(202).end();
  } catch (error) {
    response.writeHead(503).end(String(error));
  }
}, {});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port} ${config.maximumConnections}\n`);
});
