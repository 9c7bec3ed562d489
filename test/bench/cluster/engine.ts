/**
 * What an engine does, as activities of its host: it owns expansions (adapts, offers ranges, merges their parts), and
 * scores ranges of all expansions.
 */
import { chooseRanges, type RangeRules } from '../../../src/domain/ranges.ts';
import { type Expansion, finish } from './expansion.ts';
import type { Host, World } from './host.ts';
import { type Activity, all, first, Moment, type Scope } from './virtual-time.ts';

/** What all engines share. */
export interface Cluster extends World {
  readonly rules: RangeRules;
  /** Expansions that are not ready, in the order of the queue. */
  readonly queue: Set<Expansion>;
  /** Happens when there is new work for idle engines; then there is another one. */
  announced: Moment;
}

/** A range of some expansions, claimed for one pass. */
interface Claim {
  readonly expansion: Expansion;
  readonly number: number;
  readonly token: number;
}

function announce(cluster: Cluster): void {
  const { announced } = cluster;
  cluster.announced = new Moment();
  announced.happen();
}

function now({ time }: Cluster): number {
  return time.now * 1000;
}

/** Starts the engine of a host. */
export function startEngine(cluster: Cluster, host: Host): void {
  const { rangesAtOnce, expansionsPerThread } = cluster.costs.engine;
  const { scope } = host;
  for (let i = 0; i < expansionsPerThread * host.cores; i++)
    cluster.time.start(scope, ownExpansions(cluster, host, scope));
  for (let i = 0; i < rangesAtOnce; i++) cluster.time.start(scope, scoreRanges(cluster, host, scope));
}

/** Waits until there is work, or until it is time to ask again. */
function idle({ announced, time, costs }: Cluster): Moment {
  return first([announced, time.wait(costs.engine.pollSeconds)]);
}

function* ownExpansions(cluster: Cluster, host: Host, scope: Scope): Activity {
  for (;;) {
    yield host.call(scope);
    const found = claimExpansion(cluster);
    if (found === null) {
      yield idle(cluster);
      continue;
    }
    const [expansion, token] = found;
    const own = scope.child();
    const lost = new Moment();
    const renewal = renew(cluster, host, own, lost, () => expansion.renew(token, now(cluster)));
    cluster.time.start(own, renewal);
    yield first([lost, cluster.time.start(own, expand(cluster, host, own, expansion, token))]);
    own.end();
  }
}

function claimExpansion(cluster: Cluster): readonly [Expansion, number] | null {
  for (const expansion of cluster.queue) {
    const token = expansion.claim(now(cluster));
    if (token !== null) return [expansion, token];
  }
  return null;
}

/** Renews a lease until it is lost. */
function* renew(cluster: Cluster, host: Host, scope: Scope, lost: Moment, isRenewed: () => boolean): Activity {
  for (;;) {
    yield cluster.time.wait(cluster.costs.engine.renewSeconds);
    yield host.call(scope);
    if (!isRenewed()) return lost.happen();
  }
}

/** Adapts once, unless an earlier owner has; then waits for the ranges and merges. */
function* expand(cluster: Cluster, host: Host, scope: Scope, expansion: Expansion, token: number): Activity {
  const { adapt, report, inputs, engine } = cluster.costs;
  let reported: Moment | null = null;
  if (!expansion.isOffered) {
    yield readUsers(cluster, host, scope, expansion.users);
    host.adapting += 1;
    yield host.compute(scope, 'adapt', adapt.processorSeconds, adapt.threads);
    yield host.write(scope, inputs.bytes + expansion.users * inputs.bytesPerUser, inputs.requests);
    yield host.call(scope);
    if (!expansion.renew(token, now(cluster))) {
      host.adapting -= 1;
      return;
    }
    expansion.offerRanges(engine.rangeSegments);
    announce(cluster);
    reported = host.compute(scope, 'adapt', report.processorSeconds, report.threads);
    cluster.time.start(scope, endReport(cluster, host, reported));
  }
  while (!expansion.isScored) {
    yield first([cluster.announced, cluster.time.wait(engine.pollSeconds)]);
    yield host.call(scope);
    expansion.requireAttempts(now(cluster));
    const doubled = expansion.doubleSlow(now(cluster));
    if (doubled === 0) continue;
    yield host.call(scope);
    announce(cluster);
  }
  if (reported !== null) yield reported;
  yield* merge(cluster, host, scope, expansion);
  yield host.call(scope);
  if (!expansion.renew(token, now(cluster))) return;
  expansion.readyAt = cluster.time.now;
  cluster.queue.delete(expansion);
}

/** Threads that are free again may claim ranges. */
function* endReport(cluster: Cluster, host: Host, reported: Moment): Activity {
  yield reported;
  host.adapting -= 1;
  announce(cluster);
}

/** Reads the users of the seeds, which are all over the population, with their segments. */
function readUsers({ costs: { adapt, population } }: Cluster, host: Host, scope: Scope, users: number): Moment {
  const segments = Math.ceil(users / population.segmentUsers);
  const count = Math.min(segments, adapt.segments);
  let missing = 0;
  for (let i = 0; i < count; i++) {
    const segment = Math.floor((i * segments) / count);
    missing += host.takeSegments(segment, segment + 1);
  }
  return host.read(scope, missing * population.segmentBytes, missing * population.segmentRequests);
}

/** Reads the parts of other hosts, merges and writes at the same time: blobs larger than memory are streams. */
function* merge(cluster: Cluster, host: Host, scope: Scope, expansion: Expansion): Activity {
  const { part, merge: cost } = cluster.costs;
  const { users } = expansion;
  const parts = expansion.partsOfOthers(host.number);
  const usersOfParts = parts.reduce((sum, range) => sum + expansion.usersOf(range), 0);
  yield all([
    host.read(scope, usersOfParts * part.bytesPerUser + parts.length * part.bytes, parts.length * part.requests),
    host.compute(scope, 'merge', cost.processorSeconds + users * cost.processorSecondsPerUser, cost.threads),
    host.write(scope, users * cost.resultBytesPerUser, cost.resultRequests),
  ]);
}

function* scoreRanges(cluster: Cluster, host: Host, scope: Scope): Activity {
  for (;;) {
    // as src/engine/ranges/range-worker.ts
    const isFree = host.adapting < host.cores;
    if (isFree) yield host.call(scope);
    const claims = isFree ? claimRanges(cluster, host) : [];
    if (claims.length === 0) {
      yield idle(cluster);
      continue;
    }
    const own = scope.child();
    const lost = new Moment();
    const isRenewed = () => claims.filter((claim) => isStillMine(cluster, claim)).length > 0;
    cluster.time.start(own, renew(cluster, host, own, lost, isRenewed));
    yield first([lost, cluster.time.start(own, score(cluster, host, own, claims))]);
    own.end();
  }
}

function claimRanges(cluster: Cluster, { number, cores }: Host): readonly Claim[] {
  const offered = [...cluster.queue].filter((expansion) => expansion.isOffered);
  const owner = `engine ${number}`;
  const choice = { owner, most: cluster.costs.engine.expansionsPerThread * cores, refused: [] };
  const offers = offered.map(({ offer }) => offer);
  const chosen = chooseRanges(offers, choice, cluster.rules, now(cluster));
  return chosen.map(([i, range]) => {
    const expansion = offered[i]!;
    const { token } = expansion.decide(range, { kind: 'claim', owner }, now(cluster))!;
    return { expansion, number: range, token };
  });
}

function isStillMine(cluster: Cluster, { expansion, number, token }: Claim): boolean {
  return expansion.decide(number, { kind: 'renew', token }, now(cluster)) !== null;
}

/** Scores the first segment as soon as it is there, and the others while they come. */
function* score(cluster: Cluster, host: Host, scope: Scope, claims: readonly Claim[]): Activity {
  const { population, inputs, score: cost, part } = cluster.costs;
  const [{ expansion, number }] = claims as [Claim];
  const range = expansion.offer.ranges[number]!;
  const users = expansion.usersOf(range);
  yield all(claims.map((claim) => host.readInputs(scope, claim.expansion.name)));
  const bytes = users * inputs.bytesPerUser;
  if (bytes > 0) yield all(claims.map(() => host.read(scope, bytes, 1)));
  const missing = host.takeSegments(range.from, range.to);
  const { segmentBytes, segmentRequests } = population;
  if (missing > 0) yield host.read(scope, segmentBytes, segmentRequests);
  const perUser = cost.processorSecondsPerUser + (claims.length - 1) * cost.processorSecondsPerUserMore;
  const seconds = cost.processorSecondsPerRange * claims.length + users * perUser;
  const others = Math.max(0, missing - 1);
  yield all([
    host.read(scope, others * segmentBytes, others * segmentRequests),
    // each segment is one thread's
    host.score(scope, seconds, Math.min(host.cores, range.to - range.from)),
    host.compute(scope, 'merge', claims.length * users * cost.firstThreadSecondsPerUser, 1),
  ]);
  yield all(claims.map(() => host.compute(scope, 'merge', users * part.processorSecondsPerUser, 1)));
  yield all(claims.map(() => host.write(scope, part.bytes + users * part.bytesPerUser, part.requests)));
  for (const claim of claims) {
    yield host.call(scope);
    if (claim.expansion.decide(claim.number, finish(claim.token), now(cluster)) === null) continue;
    claim.expansion.finishedBy(claim.number, host.number);
    cluster.totals.usersScored += users;
    if (claim.expansion.isScored) announce(cluster);
  }
}
