/** Runs the simulation: campaigns on hosts that share a database and object storage. */
import type { Costs } from './costs.ts';
import { type Cluster, type Expansion, startEngine, takeFrom } from './engine.ts';
import { Host, Totals } from './host.ts';
import { Moment, SharedResource, VirtualTime } from './virtual-time.ts';

/** A host that died is back after this time, with an empty cache. */
const RESTART_SECONDS = 120;

/** What is simulated. */
export interface Scenario {
  /** Each runs one engine. */
  readonly hosts: number;
  readonly coresPerHost: number;
  /** Cores of the one machine that all hosts share; without it, each host has cores of its own. */
  readonly sharedCores?: number;
  /** Campaigns, all posted at once. */
  readonly campaigns: number;
  readonly users: number;
  /** Of each host; segments that were read longest ago are dropped first. */
  readonly cacheBytes: number;
  /** Whether each host has what its cache can hold of the population already. */
  readonly isWarm?: boolean;
  /** When the last host dies, in seconds since the campaigns were posted. */
  readonly deathAt?: number;
}

export interface Outcome extends Readonly<Totals> {
  /** Seconds until each campaign was ready, in the order of the queue. */
  readonly ready: readonly number[];
  /** Until the last one was. */
  readonly seconds: number;
}

export function simulate(costs: Costs, scenario: Scenario): Outcome {
  const time = new VirtualTime();
  const expansions = Array.from({ length: scenario.campaigns }, (_, i): Expansion => {
    return { name: `expansion ${i}`, users: scenario.users, owner: null, ranges: [], readyAt: null };
  });
  const database = new SharedResource(time, costs.database.serverCores);
  const [totals, queue] = [new Totals(), new Set(expansions)];
  const cluster: Cluster = { time, costs, database, totals, queue, announced: new Moment() };
  const hosts = makeHosts(cluster, scenario);
  for (const host of hosts) startEngine(cluster, host);
  const { deathAt } = scenario;
  if (deathAt !== undefined) time.plan(deathAt, () => kill(cluster, hosts.at(-1)!));
  time.run(() => queue.size === 0);
  return { ...totals, ready: expansions.map(({ readyAt }) => readyAt!), seconds: time.now };
}

function makeHosts(cluster: Cluster, scenario: Scenario): Host[] {
  const { hosts, coresPerHost: cores, sharedCores, cacheBytes, isWarm, users } = scenario;
  const { time, costs } = cluster;
  const shared = sharedCores === undefined ? null : new SharedResource(time, sharedCores);
  return Array.from({ length: hosts }, (_, i) => {
    const host = new Host(cluster, i, { cores, cacheBytes }, shared);
    if (isWarm) host.warm(Math.ceil(users / costs.population.segmentUsers));
    return host;
  });
}

/** Others learn of a host's death when its leases have expired. */
function kill(cluster: Cluster, host: Host): void {
  const { time, costs } = cluster;
  const { life } = host;
  life.isOver = true;
  time.plan(costs.engine.leaseSeconds, () => takeFrom(cluster, life));
  time.plan(RESTART_SECONDS, () => {
    host.begin();
    startEngine(cluster, host);
  });
}
