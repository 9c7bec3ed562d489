/** Overload: the most that a mix of requests gets answered in time, and what is left of it at five times the load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Request } from './load.ts';
import { type BenchOptions, type BenchReport, figure, ratio } from './report.ts';
import { type BenchService, makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = { full: { users: 100_000, seconds: 3, rounds: 1 }, quick: { users: 5_000, seconds: 1, rounds: 1 } };
const SEEDS = 100;
const TIMES_THE_LOAD = 5;
/** Of the answer to each kind, in milliseconds: later it is no good to anyone. */
const DEADLINES_MS = { 'look-ups': 500, reads: 500, pages: 1000, uploads: 1000, estimates: 2000 } as const;
/** At most so many are on their way at a time, as behind a proxy; any more are lost. */
const CONNECTIONS = 512;
/** The load is doubled from the first until it is not sustained; then what lies around it is tried. */
const LOADS = { first: 100, last: 50_000 } as const;
const AROUND = [0.75, 0.9, 1, 2];
/** A load is sustained where so much of it is answered in time. */
const SUSTAINED = 0.99;
/** Of a hundred requests. */
const MIX = { 'look-ups': 80, pages: 8, reads: 6, uploads: 4, estimates: 2 } as const;
type Kind = keyof typeof DEADLINES_MS;

interface KindCounts {
  readonly due: number;
  readonly good: number;
  readonly refused: number;
  readonly late: number;
  readonly lost: number;
  /** Milliseconds, of the good ones; null where there are none. */
  readonly p99: number | null;
}

interface Offered {
  readonly perSecond: number;
  /** Good answers a second. */
  readonly goodput: number;
  readonly kinds: Readonly<Record<Kind, KindCounts>>;
}

type Mixed = Request & { readonly kind: Kind; readonly deadlineMs: number };

export async function benchOverload({ quick, note }: BenchOptions): Promise<BenchReport> {
  const { users, seconds, rounds } = quick ? SIZES.quick : SIZES.full;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const service = await startService(await makePopulation(folder, users), join(folder, 'service'));
    try {
      const requests = await mixOf(service, users);
      const peaks: number[] = [];
      const sustained: number[] = [];
      const overloaded: Offered[] = [];
      const tooMuch = await findTooMuch(service, requests, seconds, note);
      for (let round = 0; round < rounds; round++) {
        const steps: Offered[] = [];
        for (const share of AROUND) {
          steps.push(await offer(service, requests, share * tooMuch, seconds));
          note(describe(steps.at(-1)!));
        }
        peaks.push(Math.max(...steps.map(({ goodput }) => goodput)));
        sustained.push(steps.filter(isSustained).at(-1)?.perSecond ?? tooMuch / 2);
        overloaded.push(await offer(service, requests, TIMES_THE_LOAD * sustained.at(-1)!, 2 * seconds));
        note(describe(overloaded.at(-1)!));
      }
      return reportOf(peaks, sustained, overloaded);
    } finally {
      await service.stop();
    }
  });
}

/** The first load, doubled over and over, that is not sustained. */
async function findTooMuch(
  service: BenchService,
  requests: readonly Mixed[],
  seconds: number,
  note: BenchOptions['note'],
): Promise<number> {
  let perSecond: number = LOADS.first;
  for (; perSecond < LOADS.last; perSecond *= 2) {
    const offered = await offer(service, requests, perSecond, seconds);
    note(describe(offered));
    if (!isSustained(offered)) break;
  }
  return perSecond;
}

function isSustained({ perSecond, goodput }: Offered): boolean {
  return goodput >= SUSTAINED * perSecond;
}

function describe({ perSecond, goodput, kinds }: Offered): string {
  const parts = Object.entries(kinds).map(
    ([kind, { due, good, refused, late, lost }]) =>
      `${kind} ${good} of ${due} (refused ${refused}, late ${late}, lost ${lost})`,
  );
  return `${Math.round(perSecond)}/s: ${Math.round(goodput)}/s good; ${parts.join('; ')}`;
}

function reportOf(peaks: readonly number[], sustained: readonly number[], overloaded: readonly Offered[]): BenchReport {
  const goodput = overloaded.map((one) => one.goodput);
  const lookups = overloaded.map(({ kinds }) => kinds['look-ups']);
  const p99s = lookups.map(({ p99 }) => p99).filter((p99) => p99 !== null);
  return {
    results: {
      'sustained load': figure(sustained, 'requests/s'),
      'peak of good answers': figure(peaks, 'requests/s'),
      [`good answers at ${TIMES_THE_LOAD} x the load`]: figure(goodput, 'requests/s'),
      ...(p99s.length > 0 && { 'look-ups then, p99': figure(p99s, 'ms') }),
      'refused with 503 then': figure(overloaded.map(refusedShare), '%'),
    },
    ratios: { goodput_at_5x_vs_peak: ratio(goodput, peaks) },
    lines: [
      `${Object.entries(MIX)
        .map(([kind, share]) => `${share} % ${kind}`)
        .join(', ')}; good is answered within its deadline; ${CONNECTIONS} connections`,
    ],
  };
}

function refusedShare({ kinds }: Offered): number {
  const all = Object.values(kinds);
  const answered = all.reduce((sum, { good, refused, late }) => sum + good + refused + late, 0);
  return (100 * all.reduce((sum, { refused }) => sum + refused, 0)) / answered;
}

/** A hundred requests of each kind's share, in an order without pattern, over and over with other users. */
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
  perSecond: number,
  seconds: number,
): Promise<Offered> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'open-load.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const task = { port, requests, seconds, perSecond, connections: CONNECTIONS };
  child.stdin.end(JSON.stringify(task));
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error('the load ended with an error');
  const { kinds } = JSON.parse(text) as { kinds: Record<Kind, KindCounts> };
  const good = Object.values(kinds).reduce((sum, counts) => sum + counts.good, 0);
  return { perSecond, goodput: good / seconds, kinds };
}
