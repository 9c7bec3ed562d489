/**
 * Overload: the maximum rate of a mix of requests answered in time, and how much of it remains at five times the load.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Request } from './load.ts';
import { type BenchOptions, type BenchReport, figure, ratio } from './report.ts';
import { type BenchService, makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = { full: { users: 100_000, seconds: 2, rounds: 5 }, quick: { users: 5_000, seconds: 1, rounds: 1 } };
const SEEDS = 100;
const TIMES_THE_LOAD = 5;
/** Each round looks for the peak within these factors only: a shared machine may be twice as fast a minute later. */
const BELOW = [1, 1.5, 2, 3];
/** Deadlines by kind, in milliseconds: a later answer is useless. */
const DEADLINES_MS = { 'look-ups': 250, reads: 500, pages: 1000, uploads: 1000, estimates: 2000 } as const;
/** Maximum number of requests in flight, as from clients with connection pools; more are not sent. */
const CONNECTIONS = 1024;
/** The same for clients without a limit: one round of all takes as long as a look-up may. */
const MANY_CONNECTIONS = 2048;
/** The load is doubled from the first until it is not sustained; then the gap to the last sustained load is halved. */
const LOADS = { first: 200, last: 50_000, halvings: 3 } as const;
/** A load is sustained if this share is answered in time. */
const SUSTAINED = 0.99;
/** Number of each kind in a hundred requests. */
const MIX = { 'look-ups': 85, pages: 6, reads: 6, uploads: 1, estimates: 2 } as const;
/** Limits that refuse nobody: how a service that sheds no load fares at the same load. */
const SHED_NOTHING = { overloadLagMs: 1_000_000, overloadLookupLagMs: 1_000_000 };
type Kind = keyof typeof DEADLINES_MS;
const OUTCOMES = ['good', 'late', 'refused', 'failed', 'unsent', 'cut', 'unanswered'] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Numbers of requests of a kind by outcome, as in open-load.mjs. */
type KindCounts = Readonly<Record<Outcome | 'due', number>> & {
  /** Milliseconds, for good answers; null if there are none. */
  readonly p99: number | null;
};
type Counts = Readonly<Record<Kind, KindCounts>>;

interface Offered {
  readonly perSecond: number;
  /** Good answers per second. */
  readonly goodput: number;
  /** The share of a processor that the generator used: at 1 the figures are its own limit. */
  readonly busy: number;
  readonly kinds: Counts;
}

type Mixed = Request & { readonly kind: Kind; readonly deadlineMs: number };
/** Offers a load to the service that sheds, or to the one that does not. */
type Offer = (perSecond: number, seconds: number, connections?: number) => Promise<Offered>;

export async function benchOverload({ quick, note }: BenchOptions): Promise<BenchReport> {
  const { users, seconds, rounds } = quick ? SIZES.quick : SIZES.full;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const population = await makePopulation(folder, users);
    const services = {
      ours: await startService(population, join(folder, 'ours')),
      unshed: await startService(population, join(folder, 'unshed'), SHED_NOTHING),
    };
    try {
      const [ours, unshed] = [await offerTo(services.ours, users, note), await offerTo(services.unshed, users, note)];
      const sustained = await findSustained(ours, seconds);
      const report = {
        sustained,
        peaks: [] as number[],
        ours: [] as Offered[],
        many: [] as Offered[],
        unshed: [] as Offered[],
      };
      for (let round = 0; round < rounds; round++) {
        const below: number[] = [];
        for (const times of BELOW) below.push((await ours(times * sustained, seconds)).goodput);
        const load = TIMES_THE_LOAD * sustained;
        report.ours.push(await ours(load, 2 * seconds));
        report.many.push(await ours(load, 2 * seconds, MANY_CONNECTIONS));
        report.unshed.push(await unshed(load, 2 * seconds, MANY_CONNECTIONS));
        report.peaks.push(Math.max(...below));
      }
      return reportOf(report);
    } finally {
      await services.ours.stop();
      await services.unshed.stop();
    }
  });
}

async function offerTo(service: BenchService, users: number, note: BenchOptions['note']): Promise<Offer> {
  const requests = await mixOf(service, users);
  return async (perSecond, seconds, connections = CONNECTIONS) => {
    const offered = await offer(service, requests, { perSecond, seconds, connections });
    note(describe(offered));
    return offered;
  };
}

/** The greatest sustained load, in requests per second. */
async function findSustained(offerLoad: Offer, seconds: number): Promise<number> {
  let sustained = 0;
  let tooMuch: number = LOADS.first;
  const isTooMuch = async (perSecond: number) => (await offerLoad(perSecond, seconds)).goodput < SUSTAINED * perSecond;
  while (tooMuch < LOADS.last && !(await isTooMuch(tooMuch))) {
    sustained = tooMuch;
    tooMuch *= 2;
  }
  for (let i = 0; i < LOADS.halvings; i++) {
    const middle = (sustained + tooMuch) / 2;
    if (await isTooMuch(middle)) tooMuch = middle;
    else sustained = middle;
  }
  return sustained;
}

function describe({ perSecond, goodput, busy, kinds }: Offered): string {
  const parts = Object.entries(kinds).map(([kind, counts]) => {
    const others = OUTCOMES.filter((one) => one !== 'good' && counts[one] > 0);
    const p99 = counts.p99 === null ? '' : ` in ${Math.round(counts.p99)} ms`;
    return `${kind} ${counts.good} of ${counts.due}${p99}${others.map((one) => `, ${counts[one]} ${one}`).join('')}`;
  });
  return [
    `${Math.round(perSecond)}/s: ${Math.round(goodput)}/s good, generator ${Math.round(100 * busy)} % busy`,
    ...parts,
  ].join('; ');
}

interface Measured {
  readonly sustained: number;
  readonly peaks: readonly number[];
  readonly ours: readonly Offered[];
  readonly many: readonly Offered[];
  readonly unshed: readonly Offered[];
}

function reportOf({ sustained, peaks, ours, many, unshed }: Measured): BenchReport {
  const [goodputs, goodOfMany, goodUnshed] = [ours, many, unshed].map((all) => all.map(({ goodput }) => goodput)) as [
    number[],
    number[],
    number[],
  ];
  const p99s = ours.map(({ kinds }) => kinds['look-ups'].p99).filter((p99) => p99 !== null);
  const shares = (outcome: Outcome) =>
    figure(
      ours.map(({ kinds }) => (100 * totalOf(kinds, outcome)) / totalOf(kinds, 'due')),
      '%',
    );
  return {
    results: {
      'sustained load': figure([sustained], 'requests/s'),
      'peak of good answers': figure(peaks, 'requests/s'),
      [`good answers at ${TIMES_THE_LOAD} x the load`]: figure(goodputs, 'requests/s'),
      [`with ${MANY_CONNECTIONS} connections`]: figure(goodOfMany, 'requests/s'),
      'and nothing shed': figure(goodUnshed, 'requests/s'),
      ...(p99s.length > 0 && { 'look-ups then, p99': figure(p99s, 'ms') }),
      ...Object.fromEntries(OUTCOMES.map((outcome) => [`${outcome} then`, shares(outcome)])),
    },
    ratios: {
      goodput_at_5x_vs_peak: ratio(goodputs, peaks),
      many_connections_vs_peak: ratio(goodOfMany, peaks),
      many_connections_vs_unshed: ratio(goodOfMany, goodUnshed),
      lookups_good_of_sent: ratio(...lookupsOf(ours)),
    },
    lines: [
      `${Object.entries(MIX)
        .map(([kind, share]) => `${share} % ${kind}`)
        .join(', ')}; good is answered within its deadline; ${CONNECTIONS} connections`,
    ],
  };
}

/** For each round, the number of good look-ups and of all look-ups sent. */
function lookupsOf(all: readonly Offered[]): [number[], number[]] {
  const counts = all.map(({ kinds }) => kinds['look-ups']);
  return [counts.map(({ good }) => good), counts.map(({ due, unsent }) => due - unsent)];
}

function totalOf(kinds: Counts, outcome: Outcome | 'due'): number {
  return Object.values(kinds).reduce((sum, counts) => sum + counts[outcome], 0);
}

/** A hundred requests with each kind's share, in an order without pattern, repeated with other users. */
async function mixOf(service: BenchService, users: number): Promise<Mixed[]> {
  const [{ campaign }, { campaign: other }] = [
    await service.expand(people(SEEDS, users)),
    await service.expand(people(SEEDS + 1, users)),
  ];
  const ids = people(Math.min(users, 2000), users);
  const path = `/v1/campaigns/${campaign.id}`;
  const seeds = people(SEEDS, users);
  const made: Readonly<Record<Kind, (i: number) => Request>> = {
    'look-ups': (i) => ({ method: 'GET', path: `${path}/audience/members/${ids[(i * 7919) % ids.length]}` }),
    pages: () => ({ method: 'GET', path: `${path}/audience?limit=100` }),
    reads: () => ({ method: 'GET', path }),
    uploads: (i) => ({
      ...{ method: 'PUT', path: `/v1/campaigns/${other.id}/seeds` },
      body: JSON.stringify({ user_ids: people(SEEDS - (i % 7), users) }),
    }),
    estimates: () => ({ method: 'POST', path: '/v1/estimates', body: JSON.stringify({ features: {}, seeds }) }),
  };
  const hundred = Object.entries(MIX).flatMap(([kind, share]) => Array<Kind>(share).fill(kind as Kind));
  return Array.from({ length: 1000 }, (_, i) => {
    // 37 and 100 have no common divisor
    const kind = hundred[(i * 37) % 100]!;
    return { kind, deadlineMs: DEADLINES_MS[kind], ...made[kind](i) };
  });
}

async function offer(
  { port }: BenchService,
  requests: readonly Mixed[],
  load: { readonly perSecond: number; readonly seconds: number; readonly connections: number },
): Promise<Offered> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'open-load.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ port, requests, ...load }));
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error('the load ended with an error');
  const { opened, busy, kinds } = JSON.parse(text) as Pick<Offered, 'kinds' | 'busy'> & { opened: number };
  const { perSecond, seconds, connections } = load;
  if (opened !== connections) throw new Error(`only ${opened} of ${connections} connections were accepted`);
  return { perSecond, goodput: totalOf(kinds, 'good') / seconds, busy, kinds };
}
