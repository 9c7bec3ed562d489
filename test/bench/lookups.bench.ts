/**
 * Look-ups with a hold-out, and by the hashes of identifiers, compared with look-ups by user id without a hold-out. Those
 * with an unused query show what the router pays for any query; those in another audience show how much the figures vary
 * by chance.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { CONNECTIONS, loadInTurns, type Request } from './load.ts';
import { type BenchOptions, type BenchReport, figure, ratio } from './report.ts';
import { makePopulation, people, shuffledPeople, startService, withFolder } from './service.ts';

const SIZES = { full: { users: 300_000, rounds: 120, warmUp: 1.5 }, quick: { users: 20_000, rounds: 4, warmUp: 1 } };
const SEEDS = 200;
const DISTINCT = 20_000;
/** Seconds of a turn. The shorter it is, the more alike the machine is for the turns of a round. */
const TURN = 0.1;
const SIDES = ['plain', 'held out', 'by identifier', 'by id of an identifier', 'with a query', 'plain again'] as const;

export async function benchLookups({ quick, users: given, note }: BenchOptions): Promise<BenchReport> {
  const { users: usual, rounds, warmUp } = quick ? SIZES.quick : SIZES.full;
  const users = given ?? usual;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const service = await startService(await makePopulation(folder, users, emailOf), join(folder, 'service'));
    try {
      const expand = async () => (await service.expand(people(SEEDS, users))).campaign.id as string;
      const [plain, other, heldOut] = [await expand(), await expand(), await expand()];
      await service.call('PATCH', `/v1/campaigns/${heldOut}`, { holdout_percent: 10 });
      const ids = shuffledPeople(DISTINCT, users);
      const lookUps = (campaign: string, pathOf = (user: string) => user): Request[] =>
        ids.map((id) => ({ method: 'GET', path: `/v1/campaigns/${campaign}/audience/members/${pathOf(id)}` }));
      const sets: Record<(typeof SIDES)[number], Request[]> = {
        plain: lookUps(plain),
        'held out': lookUps(heldOut),
        'by identifier': lookUps(plain, (user) => `${hash('sha256', emailOf(user))}?${QUERY}`),
        'by id of an identifier': lookUps(plain, (user) => `email:adcp:${hash('sha256', emailOf(user))}`),
        'with a query': lookUps(plain, (user) => `${user}?${UNUSED}`),
        'plain again': lookUps(other),
      };
      note(`measuring ${rounds} rounds`);
      // until the members of all audiences are in memory and all code is compiled
      const first = SIDES.map((set) => ({ set, seconds: warmUp }));
      const turns = [...first, ...first, ...Array.from({ length: rounds }, (_, round) => turnsOf(round)).flat()];
      const loads = await loadInTurns({ port: service.port, pid: service.pid, connections: CONNECTIONS, sets, turns });
      const report: BenchReport & { ratios: Record<string, number> } = { results: {}, ratios: {} };
      const of = (side: string, name: 'perSecond' | 'processorUs') =>
        loads.filter((_, i) => i >= 2 * SIDES.length && turns[i]!.set === side).map((load) => load[name]);
      for (const side of SIDES) {
        Object.assign(report.results, {
          [`look-ups, ${side}`]: figure(of(side, 'perSecond'), 'requests/s'),
          [`processor time, ${side}`]: figure(of(side, 'processorUs'), 'us/request'),
        });
        if (side === 'plain') continue;
        report.ratios[`requests/s, ${side} / plain`] = ratio(of(side, 'perSecond'), of('plain', 'perSecond'));
        report.ratios[`processor time, ${side} / plain`] = ratio(of(side, 'processorUs'), of('plain', 'processorUs'));
      }
      return report;
    } finally {
      await service.stop();
    }
  });
}

const emailOf = (user: string) => `${user}@example.com`;
/** A query that changes nothing, because no identifier is named. */
const UNUSED = 'hashed=true&country_code=1';
const QUERY = 'identifier=email&rule=adcp&hashed=true';

/** The turns of a round. Each round begins with another side, and every other round goes backwards. */
function turnsOf(round: number) {
  const sides = SIDES.map((_, i) => SIDES[(i + round) % SIDES.length]!);
  return (round % 2 === 0 ? sides : sides.reverse()).map((set) => ({ set, seconds: TURN }));
}
