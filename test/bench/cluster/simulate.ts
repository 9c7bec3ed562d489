/** Runs the simulation: campaigns on hosts that share a database and object storage. */
import { createRng } from '../../../src/lib/rng.ts';
import type { Costs } from './costs.ts';
import { type Cluster, startEngine } from './engine.ts';
import { Expansion } from './expansion.ts';
import { Counts, Host } from './host.ts';
import type { Outcome, Scenario } from './scenario.ts';
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
  const tally = { rangesFinished: 0, rangesDoubled: 0, rangesClaimed: 0, usersScored: 0 };
  const shared = { time, costs, rules, database, counts: new Counts(), queue: new Set(expansions) };
  const cluster: Cluster = { ...shared, ...tally, announced: new Moment() };
  const hosts = makeHosts(cluster, scenario);
  const deaths = planDeaths(cluster, hosts, scenario);
  for (const host of hosts) startEngine(cluster, host);
  time.run(() => cluster.queue.size === 0, MAXIMUM_EVENTS);
  for (const host of hosts) if (!host.scope.isOver) host.stop();
  return outcomeOf(cluster, expansions, deaths());
}

function makeHosts(
  cluster: Cluster,
  { hosts, coresPerHost, sharedCores, cacheBytes, isWarm, users, speeds = [] }: Scenario,
): Host[] {
  const shared = sharedCores === undefined ? null : new SharedResource(cluster.time, sharedCores);
  return Array.from({ length: hosts }, (_, i) => {
    const host = new Host(cluster, i, { cores: coresPerHost, speed: speeds[i] ?? 1, cacheBytes }, shared);
    if (isWarm) host.warm(Math.ceil(users / cluster.costs.population.segmentUsers));
    return host;
  });
}

/** Plans the deaths of the scenario and random ones; the returned function tells how many there were. */
function planDeaths(cluster: Cluster, hosts: readonly Host[], scenario: Scenario): () => number {
  const { time } = cluster;
  const { hoursBetweenDeaths, deaths = [], restartSeconds, seed } = scenario;
  let count = 0;
  const kill = (host: Host): void => {
    // it is already dead
    if (host.scope.isOver) return;
    count += 1;
    host.die();
    time.plan(restartSeconds, () => {
      host.restart();
      startEngine(cluster, host);
    });
  };
  for (const { host, at } of deaths) time.plan(at, () => kill(hosts[host]!));
  if (hoursBetweenDeaths === null) return () => count;
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
  return () => count;
}

function outcomeOf(cluster: Cluster, expansions: readonly Expansion[], deaths: number): Outcome {
  const { counts, database, rangesFinished, rangesDoubled, rangesClaimed, usersScored, time } = cluster;
  return {
    ...{ ready: expansions.map(({ readyAt }) => readyAt!), seconds: time.now },
    ...{ bytesRead: counts.bytesRead, bytesWritten: counts.bytesWritten, reads: counts.reads, writes: counts.writes },
    ...{ databaseCalls: counts.databaseCalls, databaseSeconds: database.used },
    ...{ processorSeconds: counts.processorSeconds, coreSeconds: counts.coreSeconds },
    ...{ usersScored, rangesFinished, rangesDoubled, rangesWasted: rangesClaimed - rangesFinished, deaths },
  };
}
