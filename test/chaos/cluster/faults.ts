/** The faults of a cluster. A fault counts only if there was something to strike. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Stage, Station } from './stage.ts';

interface Fault {
  /** Kills have a loop of their own, so that they also strike during other faults. */
  readonly isKill?: boolean;
  /** Returns false if there was nothing to strike. */
  strike(stage: Stage, rng: Rng): Promise<boolean>;
}

/** Longer than a lease: another engine takes over what a partitioned or stopped engine holds. */
const LONG_MS = 18_000;
const SHORT_MS = 3_000;
const BUSY_MS = 20_000;
const POOR_LINES_MS = 12_000;

export const FAULTS: Readonly<Record<string, Fault>> = {
  'engine killed': { isKill: true, strike: async ({ engines }, rng) => pick(engines, rng).member.kill() },
  'node killed': { isKill: true, strike: async ({ nodes }, rng) => pick(nodes, rng).member.kill() },
  'engine stands still': {
    strike: ({ engines }, rng) => pick(engines, rng).member.freeze(rng.integer(2) === 0 ? LONG_MS : SHORT_MS),
  },
  'node stands still': { strike: ({ nodes }, rng) => pick(nodes, rng).member.freeze(SHORT_MS) },
  'engine leaves and joins': { strike: ({ engines }, rng) => leave(pick(engines, rng)) },
  'rolling restart': {
    async strike({ nodes, engines }) {
      for (const station of [...nodes, ...engines]) {
        await leave(station);
        await station.member.ready();
      }
      return true;
    },
  },
  'Postgres restarted': {
    async strike({ postgres }) {
      await postgres.restart();
      return true;
    },
  },
  'object storage answers 503': {
    async strike({ gate }) {
      const before = gate.refused;
      gate.isBusy = true;
      await sleep(BUSY_MS);
      gate.isBusy = false;
      return gate.refused > before;
    },
  },
  'engine cut off from the database': { strike: ({ engines }, rng) => cutOff(pick(engines, rng), 'database', rng) },
  'engine cut off from object storage': { strike: ({ engines }, rng) => cutOff(pick(engines, rng), 'storage', rng) },
  'node cut off from the database': { strike: ({ nodes }, rng) => cutOff(pick(nodes, rng), 'database', rng) },
  'node cut off from object storage': { strike: ({ nodes }, rng) => cutOff(pick(nodes, rng), 'storage', rng) },
  'slow lines': { strike: (stage) => suffer(stage, { latencyMs: 200 }) },
  'connections cut': {
    async strike(stage) {
      const before = cutsOf(stage);
      for (const line of linesOf(stage)) line.cutAll();
      await suffer(stage, { cutShare: 0.05 });
      return cutsOf(stage) > before;
    },
  },
};

function pick<T>(all: readonly T[], rng: Rng): T {
  return all[rng.integer(all.length)]!;
}

async function leave({ member }: Station): Promise<boolean> {
  if (member.pid === null) return false;
  await member.leave(false);
  return true;
}

async function cutOff(station: Station, what: 'database' | 'storage', rng: Rng): Promise<boolean> {
  station[what].partition();
  await sleep(rng.integer(2) === 0 ? LONG_MS : SHORT_MS);
  station[what].heal();
  return station.member.pid !== null;
}

async function suffer(
  stage: Stage,
  faults: { readonly latencyMs?: number; readonly cutShare?: number },
): Promise<true> {
  for (const line of linesOf(stage)) line.suffer(faults);
  await sleep(POOR_LINES_MS);
  for (const line of linesOf(stage)) line.suffer({});
  return true;
}

function linesOf({ nodes, engines }: Stage) {
  return [...nodes, ...engines].flatMap(({ database, storage }) => [database, storage]);
}

function cutsOf(stage: Stage): number {
  return linesOf(stage).reduce((sum, line) => sum + line.cut, 0);
}
