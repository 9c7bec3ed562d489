/** p99 of look-ups at a fixed rate while a version of a million members is written to a folder, in each format. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONNECTIONS, load, type Report } from './load.ts';
import { type BenchOptions, type BenchReport, figure, ratio } from './report.ts';
import { type BenchService, makePopulation, people, shuffledPeople, startService, withFolder } from './service.ts';

const SIZES = { full: { members: 1_000_000, rounds: 3 }, quick: { members: 20_000, rounds: 1 } };
const FORMATS = ['csv', 'csv.gz', 'parquet'] as const;
const SEEDS = 200;
const LOOK_UPS_PER_SECOND = 500;
const ALONE_SECONDS = 5;
const POLL_MS = 20;

export async function benchDelivery({ quick, note }: BenchOptions): Promise<BenchReport> {
  const { members, rounds } = quick ? SIZES.quick : SIZES.full;
  const users = Math.round(members * 1.1);
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const variables = { METAHEAC_DESTINATIONS_ROOT: folder };
    const population = await makePopulation(folder, users);
    const service = await startService(population, join(folder, 'service'), {}, { variables });
    try {
      const { campaign } = await service.expand(people(SEEDS, users));
      const requests = shuffledPeople(20_000, users).map((user) => ({
        method: 'GET',
        path: `/v1/campaigns/${campaign.id}/audience/members/${user}`,
      }));
      const p99 = async (seconds: number) =>
        (await load(service.port, requests, { seconds, connections: CONNECTIONS, perSecond: LOOK_UPS_PER_SECOND })).p99;
      const report: Report = { results: {}, ratios: {} };
      let size = members;
      for (const format of FORMATS) {
        const [alone, during, seconds]: number[][] = [[], [], []];
        for (let round = 0; round < rounds; round++) {
          alone!.push(await p99(ALONE_SECONDS));
          const change = { audience: { size: size++ } };
          const place = { kind: 'folder', path: `${format}-${round}` };
          const { id } = (await service.call('POST', '/v1/destinations', { name: 'bench', format, ...place })).json;
          const taken = await deliver(service, campaign.id, id, change);
          seconds!.push(taken);
          // another version, which takes about as long
          const loaded = p99(taken);
          await deliver(service, campaign.id, id, { audience: { size: size++ } });
          during!.push(await loaded);
          await service.call('PATCH', `/v1/destinations/${id}`, { paused: true });
        }
        report.results[`${format}, a delivery`] = figure(seconds!, 's');
        report.results[`${format}, look-ups during it, p99`] = figure(during!, 'ms');
        report.results[`${format}, look-ups alone, p99`] = figure(alone!, 'ms');
        report.ratios[`${format}, p99 during / alone`] = ratio(during!, alone!);
      }
      return report;
    } finally {
      await service.stop();
    }
  });
}

/** Makes a version by a change of the campaign; returns the seconds until it is delivered. */
async function deliver(service: BenchService, campaign: string, destination: string, change: object): Promise<number> {
  const start = performance.now();
  await service.call('PATCH', `/v1/campaigns/${campaign}`, change);
  for (;;) {
    const { items } = (await service.call('GET', `/v1/destinations/${destination}/deliveries`)).json;
    const [newest] = items;
    if (newest?.last_error) throw new Error(newest.last_error);
    if (items.length > 0 && newest.state === 'delivered') return (performance.now() - start) / 1000;
    await sleep(POLL_MS);
  }
}
