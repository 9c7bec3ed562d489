/** Which of 500 audiences contain a user, over HTTP, compared with a bare Fastify route with the same answer. */
import { join } from 'node:path';
import { CONNECTIONS, load, type Report, raceBare } from './load.ts';
import { makeAudiences } from './made-audiences.ts';
import { type BenchOptions, type BenchReport, figure } from './report.ts';
import { makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = {
  full: { users: 1_000_000, campaigns: 500, seconds: 5, rounds: 5 },
  quick: { users: 20_000, campaigns: 50, seconds: 1, rounds: 2 },
};
const PERCENT = 5;
const DISTINCT = 20_000;
/** A rate at which requests do not wait for each other. */
const STEADY = 1000;
/** Time until the members are in memory. */
const WARM_SECONDS = 10;

export async function benchHolders({ quick, users: asked, note }: BenchOptions): Promise<BenchReport> {
  const { campaigns, seconds, rounds, ...size } = quick ? SIZES.quick : SIZES.full;
  const users = asked ?? size.users;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people and ${campaigns} audiences`);
    const population = await makePopulation(folder, users);
    await makeAudiences(join(folder, 'service'), population, { campaigns, percent: PERCENT });
    const service = await startService(population, join(folder, 'service'));
    try {
      // a prime stride visits them in an order without pattern
      const ids = people(DISTINCT, users).map((_, i, all) => all[(i * 7919) % all.length]!);
      const requests = ids.map((user) => ({ method: 'GET', path: `/v1/users/${user}/audiences` }));
      const report: Report = { results: {}, ratios: {} };
      await load(service.port, requests, { seconds: WARM_SECONDS, connections: CONNECTIONS });
      await raceBare(service, { user_audiences: requests }, { rounds, seconds }, report);
      const p99: number[] = [];
      for (let round = 0; round < rounds; round++)
        p99.push((await load(service.port, requests, { seconds, connections: CONNECTIONS, perSecond: STEADY })).p99);
      report.results[`p99 at ${STEADY} requests/s`] = figure(p99, 'ms');
      return report;
    } finally {
      await service.stop();
    }
  });
}
