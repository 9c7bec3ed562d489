/** The predicted remaining time compared with the actual one, for one expansion and for a queue of expansions. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchOptions, type BenchReport, type Figure, figure } from './report.ts';
import { type BenchService, makePopulation, people, startService, withFolder } from './service.ts';

const USERS = { full: 250_000, quick: 50_000 } as const;
/** Numbers of seeds, in turn: expansions with very different durations. */
const SEEDS = [30, 200, 60, 1000, 100, 400];
/** Number of expansions that end before anything is asked. */
const WARM_UP = 8;
const ALONE = { full: 12, quick: 6 } as const;
const QUEUED = { full: 40, quick: 20 } as const;
const ASK_EVERY_MS = 50;
/** Answers with less time left come too late to matter. */
const SHORTEST_SECONDS = 0.1;

interface Said {
  readonly atMs: number;
  readonly seconds: number;
}

export async function benchEta({ quick, users, note }: BenchOptions): Promise<BenchReport> {
  const size = quick ? 'quick' : 'full';
  return withFolder(async (folder) => {
    const count = users ?? USERS[size];
    const service = await startService(await makePopulation(folder, count), join(folder, 'service'));
    try {
      const seedsOf = (i: number) => people(SEEDS[i % SEEDS.length]! + i, count);
      note('warming up');
      for (let i = 0; i < WARM_UP; i++) await service.expand(seedsOf(i));
      note('expansions alone');
      const alone: number[] = [];
      for (let i = 0; i < ALONE[size]; i++)
        alone.push(...(await follow(service, [await post(service, seedsOf(WARM_UP + i))])));
      note('a queue');
      const ids: string[] = [];
      for (let i = 0; i < QUEUED[size]; i++) ids.push(await post(service, seedsOf(WARM_UP + ALONE[size] + i)));
      const queued = await follow(service, ids);
      const results: Record<string, Figure> = {
        'alone: actual / said': figure(alone, 'x'),
        'queue: actual / said': figure(queued, 'x'),
      };
      return {
        results,
        ratios: {
          alone_actual_vs_said: results['alone: actual / said']!.median,
          queue_actual_vs_said: results['queue: actual / said']!.median,
        },
      };
    } finally {
      await service.stop();
    }
  });
}

async function post(service: BenchService, seeds: readonly string[]): Promise<string> {
  const { status, json } = await service.call('POST', '/v1/campaigns', {
    ...{ name: 'eta', seeds, audience: { percent: 5 } },
  });
  if (status !== 202) throw new Error(JSON.stringify(json));
  return json.id;
}

/** Asks until all have ended; returns the ratios of actual to predicted time for every answer. */
async function follow(service: BenchService, ids: readonly string[]): Promise<number[]> {
  const said = new Map<string, Said[]>(ids.map((id) => [id, []]));
  const running = new Set(ids);
  const ratios: number[] = [];
  while (running.size > 0) {
    for (const id of running) {
      const { json } = await service.call('GET', `/v1/campaigns/${id}`);
      const atMs = performance.now();
      if (json.state === 'failed' || json.state === 'too_small') throw new Error(JSON.stringify(json.reason));
      if (json.state !== 'ready') {
        said.get(id)!.push({ atMs, seconds: json.eta_seconds });
        continue;
      }
      running.delete(id);
      for (const answer of said.get(id)!) {
        const seconds = (atMs - answer.atMs) / 1000;
        if (seconds >= SHORTEST_SECONDS) ratios.push(seconds / Math.max(answer.seconds, SHORTEST_SECONDS / 10));
      }
    }
    await sleep(ASK_EVERY_MS);
  }
  return ratios;
}
