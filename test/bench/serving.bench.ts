/** Serving: look-ups, pages and batches of an audience beside a bare Fastify route with the same answer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type BenchOptions, type BenchReport, figure, interleave, ratio } from './report.ts';
import { type BenchService, makePopulation, people, startService, withFolder } from './service.ts';

const SIZES = { full: { users: 1_000_000, seconds: 5, rounds: 5 }, quick: { users: 20_000, seconds: 1, rounds: 2 } };
const CONNECTIONS = 16;
const SEEDS = 200;
/** Requests a second while an expansion runs. */
const DURING_EXPANSION = 3000;
const DISTINCT = 20_000;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export async function benchServing({ quick, note }: BenchOptions): Promise<BenchReport> {
  const { users, seconds, rounds } = quick ? SIZES.quick : SIZES.full;
  return withFolder(async (folder) => {
    note(`making a population of ${users.toLocaleString('en')} people`);
    const service = await startService(await makePopulation(folder, users), join(folder, 'service'));
    try {
      const { campaign } = await service.expand(people(SEEDS, users));
      const kinds = requestsOf(campaign.id, users);
      const bare = await startBare(await answersOf(service, kinds));
      try {
        const report: { results: Record<string, ReturnType<typeof figure>>; ratios: Record<string, number> } = {
          results: {},
          ratios: {},
        };
        for (const [kind, requests] of Object.entries(kinds)) {
          const own = { seconds, connections: CONNECTIONS };
          const sameOnBare = requests.map((one) => ({ ...one, path: `/${kind}` }));
          const { ours, theirs } = await interleave(rounds, {
            ours: async () => (await load(service.port, requests, own)).perSecond,
            theirs: async () => (await load(bare.port, sameOnBare, own)).perSecond,
          });
          report.results[kind] = figure(ours, 'requests/s');
          report.results[`${kind}, bare Fastify`] = figure(theirs, 'requests/s');
          report.ratios[`${kind}_vs_bare_fastify`] = ratio(ours, theirs);
        }
        await duringExpansion(service, kinds['membership']!, users, rounds, report);
        return report;
      } finally {
        bare.stop();
      }
    } finally {
      await service.stop();
    }
  });
}

/** Requests of each kind: random users, pages from the first on. */
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

/** The first answer of each kind, for the bare route to give. */
async function answersOf(service: BenchService, kinds: Record<string, readonly Request[]>) {
  const answers: Record<string, unknown> = {};
  for (const [kind, [first]] of Object.entries(kinds)) {
    const { method, path, body } = first!;
    answers[`/${kind}`] = (await service.call(method, path, body === undefined ? undefined : JSON.parse(body))).json;
  }
  return answers;
}

/** p99 of look-ups at a fixed rate while an expansion runs, and how much that slows the expansion. */
async function duringExpansion(
  service: BenchService,
  requests: readonly Request[],
  users: number,
  rounds: number,
  report: { results: Record<string, ReturnType<typeof figure>>; ratios: Record<string, number> },
): Promise<void> {
  const p99: number[] = [];
  const { alone, loaded } = await interleave(rounds, {
    alone: async () => (await service.expand(people(SEEDS, users))).seconds,
    loaded: async () => {
      const expansion = service.expand(people(SEEDS, users));
      // for as long as an expansion takes at least
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

async function load(
  port: number,
  requests: readonly Request[],
  options: { seconds: number; connections: number; perSecond?: number },
): Promise<Load> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'load.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ port, requests, ...options }));
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error('the load ended with an error');
  return JSON.parse(text);
}

async function startBare(answers: Record<string, unknown>): Promise<{ port: number; stop: () => void }> {
  const script = join(import.meta.dirname, 'bare-fastify.mjs');
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(answers));
  const [line] = await once(child.stdout, 'data');
  return { port: Number(String(line)), stop: () => child.kill() };
}
