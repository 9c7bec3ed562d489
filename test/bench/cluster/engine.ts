/**
 * What an engine does, as activities of its host: it owns expansions (adapts, offers ranges, merges their parts), and
 * scores ranges of all expansions. The rules of src/domain/range-choice.ts decide which engine gets which ranges.
 */
import { chooseRanges } from '../../../src/domain/range-choice.ts';
import {
  decideRange,
  NEW_RANGE,
  type RangeCommand,
  type RangeRules,
  type RangeState,
  rangesOf,
  type SegmentRange,
} from '../../../src/domain/ranges.ts';
import { assert } from '../../../src/lib/errors.ts';
import type { Host, World } from './host.ts';
import { type Activity, all, first, type Life, Moment } from './virtual-time.ts';

/** Leases do not expire by themselves: a death ends them (`takeFrom`). */
const RULES: RangeRules = { leaseMs: Number.POSITIVE_INFINITY, maximumAttempts: 5 };
/** What the rules ask of a result; only the time that it took decides anything. */
const RESULT = { candidates: 0, threadSeconds: 0, batchSize: 0 };
const VERSIONS = { modelVersion: 'simulated', populationVersion: 'simulated', golden: 'simulated' };
/** The engine's idle threads rank held-out seeds. */
const REPORT_THREADS = 2;

/** An expansion as the database has it. */
export interface Expansion {
  readonly name: string;
  readonly users: number;
  owner: Life | null;
  /** Empty until they are offered. */
  ranges: (SegmentRange & { readonly state: RangeState })[];
  readyAt: number | null;
}

/** What all engines share. */
export interface Cluster extends World {
  /** Expansions that are not ready, in the order of the queue. */
  readonly queue: Set<Expansion>;
  /** Happens when there is new work for idle engines; then there is another one. */
  announced: Moment;
}

/** A range of some expansion, claimed for one pass. */
interface Claim {
  readonly expansion: Expansion;
  readonly number: number;
  readonly token: number;
}

/** Starts the engine of a host. */
export function startEngine(cluster: Cluster, host: Host): void {
  const { rangesAtOnce, expansionsPerThread } = cluster.costs.engine;
  for (let i = 0; i < expansionsPerThread * host.cores; i++)
    cluster.time.start(host.life, ownExpansions(cluster, host));
  for (let i = 0; i < rangesAtOnce; i++) cluster.time.start(host.life, scoreRanges(cluster, host));
}

/** Takes from a dead engine what it held. */
export function takeFrom(cluster: Cluster, life: Life): void {
  for (const expansion of cluster.queue) {
    if (expansion.owner === life) expansion.owner = null;
    for (const number of expansion.ranges.keys())
      decide(cluster, { expansion, number }, { kind: 'release', owner: life.name, how: 'died' });
  }
  announce(cluster);
}

function announce(cluster: Cluster): void {
  const { announced } = cluster;
  cluster.announced = new Moment();
  announced.happen();
}

/** Waits until there is work, or until it is time to ask again. */
function idle({ announced, time, costs }: Cluster): Moment {
  return first([announced, time.wait(costs.engine.pollSeconds)]);
}

function decide({ time }: Cluster, of: Pick<Claim, 'expansion' | 'number'>, command: RangeCommand): RangeState {
  const range = of.expansion.ranges[of.number]!;
  const state = decideRange(range.state, command, RULES, 1000 * time.now);
  assert(state !== null, 'a living engine keeps its ranges');
  of.expansion.ranges[of.number] = { ...range, state };
  return state;
}

function usersOf({ costs }: Cluster, { users }: Expansion, { from, to }: SegmentRange): number {
  const { segmentUsers } = costs.population;
  return Math.min(users, to * segmentUsers) - from * segmentUsers;
}

function* ownExpansions(cluster: Cluster, host: Host): Activity {
  for (;;) {
    yield host.call();
    const expansion = [...cluster.queue].find(({ owner }) => owner === null);
    if (expansion === undefined) yield idle(cluster);
    else {
      expansion.owner = host.life;
      yield* expand(cluster, host, expansion);
    }
  }
}

/** Adapts once, unless an earlier owner has; then waits for the ranges and merges. */
function* expand(cluster: Cluster, host: Host, expansion: Expansion): Activity {
  const { time, costs } = cluster;
  const { adapt, inputs, population, engine } = costs;
  const segments = Math.ceil(expansion.users / population.segmentUsers);
  let reported: Moment | null = null;
  if (expansion.ranges.length === 0) {
    yield readSeeds(cluster, host, segments);
    host.adapting += 1;
    yield host.compute('adapt', adapt.processorSeconds);
    yield host.write(inputs.bytes + expansion.users * inputs.bytesPerUser, inputs.requests);
    yield host.call();
    expansion.ranges = rangesOf(segments, engine.rangeSegments).map((range) => ({ ...range, state: NEW_RANGE }));
    announce(cluster);
    reported = time.start(host.life, report(cluster, host));
  }
  while (expansion.ranges.some(({ state }) => state.finished === null)) {
    yield idle(cluster);
    yield host.call();
  }
  if (reported !== null) yield reported;
  yield merge(cluster, host, expansion);
  yield host.call();
  expansion.readyAt = time.now;
  cluster.queue.delete(expansion);
}

/** Threads that are free again may claim ranges. */
function* report(cluster: Cluster, host: Host): Activity {
  yield host.compute('adapt', cluster.costs.report.processorSeconds, REPORT_THREADS);
  host.adapting -= 1;
  announce(cluster);
}

/** Reads the users of the seeds, which are all over the population, with their segments. */
function readSeeds({ costs: { adapt, population } }: Cluster, host: Host, segments: number): Moment {
  const count = Math.min(segments, adapt.segments);
  let missing = 0;
  for (let i = 0; i < count; i++) {
    const segment = Math.floor((i * segments) / count);
    missing += host.takeSegments(segment, segment + 1);
  }
  return host.read(missing * population.segmentBytes, missing * population.segmentRequests);
}

/** Reads the parts of other hosts, merges and writes at the same time: blobs larger than memory are streams. */
function merge(cluster: Cluster, host: Host, expansion: Expansion): Moment {
  const { part, merge: cost } = cluster.costs;
  const { users, ranges } = expansion;
  const parts = ranges.filter(({ state }) => state.finished!.owner !== host.life.name);
  const usersOfParts = parts.reduce((sum, range) => sum + usersOf(cluster, expansion, range), 0);
  return all([
    host.read(usersOfParts * part.bytesPerUser + parts.length * part.bytes, parts.length * part.requests),
    host.compute('merge', users * cost.processorSecondsPerUser),
    host.write(users * cost.resultBytesPerUser, cost.resultRequests),
  ]);
}

function* scoreRanges(cluster: Cluster, host: Host): Activity {
  for (;;) {
    // as src/engine/ranges/range-worker.ts
    const isFree = host.adapting < host.cores;
    if (isFree) yield host.call();
    const claims = isFree ? claimRanges(cluster, host) : [];
    if (claims.length === 0) yield idle(cluster);
    else yield* score(cluster, host, claims);
  }
}

function claimRanges(cluster: Cluster, { life, cores }: Host): readonly Claim[] {
  const expansions = [...cluster.queue];
  const offers = expansions.map(({ ranges }) => ({ ...VERSIONS, ranges }));
  const choice = { owner: life.name, most: cluster.costs.engine.expansionsPerThread * cores, refused: [] };
  return chooseRanges(offers, choice, RULES, 1000 * cluster.time.now).map(([i, number]) => {
    const expansion = expansions[i]!;
    const { token } = decide(cluster, { expansion, number }, { kind: 'claim', owner: life.name });
    return { expansion, number, token };
  });
}

/** Scores the first segment as soon as it is there, and the others while they come. */
function* score(cluster: Cluster, host: Host, claims: readonly Claim[]): Activity {
  const { population, inputs, score: cost, part } = cluster.costs;
  const [{ expansion, number }] = claims as [Claim];
  const range = expansion.ranges[number]!;
  const users = usersOf(cluster, expansion, range);
  yield all(claims.map((claim) => host.readInputs(claim.expansion.name)));
  if (inputs.bytesPerUser > 0) yield all(claims.map(() => host.read(users * inputs.bytesPerUser, 1)));
  const missing = host.takeSegments(range.from, range.to);
  const { segmentBytes, segmentRequests } = population;
  if (missing > 0) yield host.read(segmentBytes, segmentRequests);
  const perUser = cost.processorSecondsPerUser + (claims.length - 1) * cost.processorSecondsPerUserMore;
  const others = Math.max(0, missing - 1);
  yield all([
    host.read(others * segmentBytes, others * segmentRequests),
    // each segment is one thread's
    host.compute('score', users * perUser, range.to - range.from),
    host.compute('merge', claims.length * users * cost.firstThreadSecondsPerUser),
  ]);
  yield all(claims.map(() => host.compute('merge', users * part.processorSecondsPerUser)));
  yield all(claims.map(() => host.write(part.bytes + users * part.bytesPerUser, part.requests)));
  for (const claim of claims) {
    yield host.call();
    decide(cluster, claim, { kind: 'finish', token: claim.token, result: RESULT });
    cluster.totals.usersScored += users;
    if (claim.expansion.ranges.every(({ state }) => state.finished !== null)) announce(cluster);
  }
}
