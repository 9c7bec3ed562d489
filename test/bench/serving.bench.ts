/** Serving: look-ups, pages and batches of an audience compared with a bare Fastify route with the same answer. */
import { join } from 'node:path';
import { CONNECTIONS, load, type Report, type Request, raceBare } from './load.ts';
import { type BenchOptions, type BenchReport, figure, interleave, ratio } from './report.ts';
import { type BenchService, makePopulation, people, shuffledPeople, startService, withFolder } from './service.ts';

const SIZES = { full: { users: 1_000_000, seconds: 5, rounds: 5 }, quick: { users: 20_000, seconds: 1, rounds: 2 } };
const SEEDS = 200;
/** Requests per second while an expansion runs. */
const DURING_EXPANSION = 3000;
const DISTINCT = 20_000;

export async function benchServing({ quick, note }: BenchOptions): Promise<BenchReport> {
  const { users, seconds, rounds } = quick ? SIZES.quick : SIZES.full;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const service = await startService(await makePopulation(folder, users), join(folder, 'service'));
    try {
      const { campaign } = await service.expand(people(SEEDS, users));
      const kinds = requestsOf(campaign.id, users);
      const report: Report = { results: {}, ratios: {} };
      await raceBare(service, kinds, { rounds, seconds }, report);
      await duringExpansion(service, kinds['membership']!, users, rounds, report);
      return report;
    } finally {
      await service.stop();
    }
  });
}

/** Requests of each kind: random users; pages from the first on. */
function requestsOf(id: string, users: number): Record<string, readonly Request[]> {
  const ids = shuffledPeople(DISTINCT, users);
  return {
    membership: ids.map((user) => ({ method: 'GET', path: `/v1/campaigns/${id}/audience/members/${user}` })),
    pages: [{ method: 'GET', path: `/v1/campaigns/${id}/audience?limit=1000` }],
    batches: [
      {
        method: 'POST',
        path: `/v1/campaigns/${id}/audience/members/batch`,
        body: JSON.stringify({ user_ids: ids.slice(0, 1000) }),
      },
    ],
  };
}

/** p99 of look-ups at a fixed rate while an expansion runs, and how much that slows down the expansion. */
async function duringExpansion(
  service: BenchService,
  requests: readonly Request[],
  users: number,
  rounds: number,
  report: Report,
): Promise<void> {
  const p99: number[] = [];
  const { alone, loaded } = await interleave(rounds, {
    alone: async () => (await service.expand(people(SEEDS, users))).seconds,
    loaded: async () => {
      const expansion = service.expand(people(SEEDS, users));
      // for at least as long as an expansion takes
      const lookups = load(service.port, requests, {
        seconds: 1,
        connections: CONNECTIONS,
        perSecond: DURING_EXPANSION,
      });
      p99.push((await lookups).p99);
      return (await expansion).seconds;
    },
  });
  report.results['expansion'] = figure(alone, 's');
  report.results[`expansion, ${DURING_EXPANSION} look-ups/s`] = figure(loaded, 's');
  report.results['look-ups during it, p99'] = figure(p99.slice(1), 'ms');
  report.ratios['expansion_slowed'] = ratio(loaded, alone);
}
