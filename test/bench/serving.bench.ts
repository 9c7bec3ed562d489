/**
 * Serving: look-ups, pages and batches of an audience compared with a bare Fastify route with the same answer, and
 * look-ups with a hold-out, and by typed identifiers, compared with look-ups without.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { CONNECTIONS, load, type Report, type Request, raceBare } from './load.ts';
import { type BenchOptions, type BenchReport, figure, interleave, ratio } from './report.ts';
import { type BenchService, makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = { full: { users: 1_000_000, seconds: 5, rounds: 5 }, quick: { users: 20_000, seconds: 1, rounds: 2 } };
const SEEDS = 200;
/** Requests per second while an expansion runs. */
const DURING_EXPANSION = 3000;
const DISTINCT = 20_000;

export async function benchServing({ quick, note }: BenchOptions): Promise<BenchReport> {
  const { users, seconds, rounds } = quick ? SIZES.quick : SIZES.full;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const service = await startService(await makePopulation(folder, users, emailOf), join(folder, 'service'));
    try {
      const { campaign } = await service.expand(people(SEEDS, users));
      const kinds = requestsOf(campaign.id, users);
      const report: Report = { results: {}, ratios: {} };
      await raceBare(service, kinds, { rounds, seconds }, report);
      await withHoldOut(service, kinds['membership']!, { users, rounds, seconds }, report);
      await byIdentifier(service, kinds['membership']!, { rounds, seconds }, report);
      await duringExpansion(service, kinds['membership']!, users, rounds, report);
      return report;
    } finally {
      await service.stop();
    }
  });
}

/** Requests of each kind: random users; pages from the first on. */
function requestsOf(id: string, users: number): Record<string, readonly Request[]> {
  // a prime stride visits them in an order without pattern
  const ids = people(DISTINCT, users).map((_, i, all) => all[(i * 7919) % all.length]!);
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

/** Look-ups of the same users in an equal audience of which a tenth is held out. */
async function withHoldOut(
  service: BenchService,
  requests: readonly Request[],
  { users, rounds, seconds }: { readonly users: number; readonly rounds: number; readonly seconds: number },
  report: Report,
): Promise<void> {
  const { campaign } = await service.expand(people(SEEDS, users));
  await service.call('PATCH', `/v1/campaigns/${campaign.id}`, { holdout_percent: 10 });
  const inOther = requests.map((one) => ({ ...one, path: one.path.replace(/[^/]+(?=\/audience)/, campaign.id) }));
  const lookUps = async (all: readonly Request[]) =>
    (await load(service.port, all, { seconds, connections: CONNECTIONS })).perSecond;
  const { holdOut, none } = await interleave(rounds, {
    holdOut: () => lookUps(inOther),
    none: () => lookUps(requests),
  });
  report.results['membership, 10 % held out'] = figure(holdOut, 'requests/s');
  report.results['membership, nobody held out'] = figure(none, 'requests/s');
  report.ratios['membership_with_holdout'] = ratio(holdOut, none);
}

const emailOf = (user: string) => `${user}@example.com`;

/** Look-ups of the same users by the hashes of their e-mail addresses. */
async function byIdentifier(
  service: BenchService,
  requests: readonly Request[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  report: Report,
): Promise<void> {
  const hashed = requests.map((one) => ({ ...one, path: one.path.replace(/[^/]+$/, (user) => pathOf(emailOf(user))) }));
  const lookUps = async (all: readonly Request[]) =>
    (await load(service.port, all, { seconds, connections: CONNECTIONS })).perSecond;
  const { identified, plain } = await interleave(rounds, {
    identified: () => lookUps(hashed),
    plain: () => lookUps(requests),
  });
  report.results['membership, by the hash of an e-mail address'] = figure(identified, 'requests/s');
  report.results['membership, by user id'] = figure(plain, 'requests/s');
  report.ratios['membership_by_identifier'] = ratio(identified, plain);
}

function pathOf(email: string): string {
  return `${hash('sha256', email)}?identifier=email&rule=adcp&hashed=true`;
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
