/** Look-ups while the maximum number of clients export a large audience. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HTTP_LIMITS } from '../../src/http/plugins/limits.ts';
import { openPopulation } from '../../src/population/read.ts';
import { benchSlices } from './export-slices.ts';
import { CONNECTIONS, load } from './load.ts';
import { makeAudiences } from './made-audiences.ts';
import { type BenchOptions, type BenchReport, type Figure, figure } from './report.ts';
import { makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = {
  full: { users: 1_000_000, seconds: 10, rounds: 3 },
  quick: { users: 50_000, seconds: 2, rounds: 1 },
};
const CLIENTS = HTTP_LIMITS.maximumOpenStreams.value;
const PERCENT = 90;
/** Requests per second, few enough not to wait for each other. */
const STEADY = 500;
const TYPES = { NDJSON: 'application/x-ndjson', CSV: 'text/csv', Parquet: 'application/vnd.apache.parquet' } as const;

export async function benchExports({ quick, users: asked, note }: BenchOptions): Promise<BenchReport> {
  const { seconds, rounds, ...size } = quick ? SIZES.quick : SIZES.full;
  const users = asked ?? size.users;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people and an audience of ${PERCENT} % of them`);
    const population = await makePopulation(folder, users);
    await makeAudiences(join(folder, 'service'), population, { campaigns: 1, percent: PERCENT });
    const slices = await benchSlices(join(folder, 'slices'), openPopulation(population));
    const service = await startService(population, join(folder, 'service'));
    try {
      const campaign = (await service.call('GET', '/v1/campaigns')).json.items[0].id;
      const audience = `/v1/campaigns/${campaign}/audience`;
      const lookups = people(1_000, users).map((user) => ({ method: 'GET', path: `${audience}/members/${user}` }));
      const measure = async () =>
        (await load(service.port, lookups, { seconds, connections: CONNECTIONS, perSecond: STEADY })).p99;
      const results: Record<string, Figure> = {};
      await measure();
      const alone: number[] = [];
      for (let round = 0; round < rounds; round++) alone.push(await measure());
      results['p99 of look-ups alone'] = figure(alone, 'ms');
      for (const [name, type] of Object.entries(TYPES)) {
        const p99: number[] = [];
        const rates: number[] = [];
        for (let round = 0; round < rounds; round++) {
          const clients = startClients([String(service.port), audience, type, String(CLIENTS)]);
          const start = performance.now();
          p99.push(await measure());
          rates.push((await clients.stop()) / 1e3 / (performance.now() - start));
        }
        results[`p99 beside ${CLIENTS} exports as ${name}`] = figure(p99, 'ms');
        results[`exports as ${name}`] = figure(rates, 'MB/s');
      }
      return { results: { ...results, ...slices }, ratios: {} };
    } finally {
      await service.stop();
    }
  });
}

/** `stop` resolves with the number of bytes exported. */
function startClients(args: readonly string[]): { stop(): Promise<number> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'export-clients.mjs'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  return {
    async stop() {
      child.stdin.end();
      await once(child, 'close');
      return Number(text);
    },
  };
}
