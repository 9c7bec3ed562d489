/** Runs the simulation: campaigns on hosts that share a database and object storage. */
import { createRng } from '../../../src/lib/rng.ts';
import type { Costs } from './costs.ts';
import { type Cluster, startEngine } from './engine.ts';
import { Expansion } from './expansion.ts';
import { Host } from './host.ts';
import { type Outcome, type Scenario, Totals } from './scenario.ts';
import { SharedResource } from './shared-resource.ts';
import { Moment, VirtualTime } from './virtual-time.ts';

/** Far more than the largest scenario of the table needs (three million). */
const MAXIMUM_EVENTS = 200_000_000;

/** @throws if the campaigns never become ready, for example because hosts die too often */
export function simulate(costs: Costs, scenario: Scenario): Outcome {
  const time = new VirtualTime();
  const { leaseSeconds, maximumAttempts } = costs.engine;
  const rules = { leaseMs: leaseSeconds * 1000, maximumAttempts };
  const expansions = Array.from(
    { length: scenario.campaigns },
    (_, i) => new Expansion(`expansion ${i}`, scenario.users, costs.population.segmentUsers, rules),
  );
  const database = new SharedResource(time, costs.database.serverCores);
  const totals = new Totals();
  const queue = new Set(expansions);
  const cluster: Cluster = { time, costs, rules, database, totals, queue, announced: new Moment() };
  const hosts = makeHosts(cluster, scenario);
  planDeaths(cluster, hosts, scenario);
  for (const host of hosts) startEngine(cluster, host);
  time.run(() => queue.size === 0, MAXIMUM_EVENTS);
  return { ...totals, ready: expansions.map(({ readyAt }) => readyAt!), seconds: time.now };
}

function makeHosts(cluster: Cluster, scenario: Scenario): Host[] {
  const { hosts, coresPerHost, sharedCores, cacheBytes, isWarm, users } = scenario;
  const shared = sharedCores === undefined ? null : new SharedResource(cluster.time, sharedCores);
  return Array.from({ length: hosts }, (_, i) => {
    const host = new Host(cluster, i, { cores: coresPerHost, cacheBytes }, shared);
    if (isWarm) host.warm(Math.ceil(users / cluster.costs.population.segmentUsers));
    return host;
  });
}

/** Plans the deaths of the scenario and random ones. */
function planDeaths(cluster: Cluster, hosts: readonly Host[], scenario: Scenario): void {
  const { time, totals } = cluster;
  const { hoursBetweenDeaths, deaths = [], restartSeconds, seed } = scenario;
  const kill = (host: Host): void => {
    // it is already dead
    if (host.scope.isOver) return;
    totals.deaths += 1;
    host.scope.end();
    time.plan(restartSeconds, () => {
      host.restart();
      startEngine(cluster, host);
    });
  };
  for (const { host, at } of deaths) time.plan(at, () => kill(hosts[host]!));
  if (hoursBetweenDeaths === null) return;
  const rng = createRng(`deaths ${seed}`);
  for (const host of hosts) {
    const own = rng.fork(`host ${host.number}`);
    const next = (): void =>
      time.plan(-Math.log(1 - own.uniform()) * hoursBetweenDeaths * 3600, () => {
        kill(host);
        next();
      });
    next();
  }
}
