/** A host of the simulation: its cores, its network, its cache, and the calls that its engine makes. */
import type { Costs } from './costs.ts';
import type { Purpose, Totals } from './scenario.ts';
import { SharedResource } from './shared-resource.ts';
import { type Activity, all, Moment, Scope, type VirtualTime } from './virtual-time.ts';

export interface World {
  readonly time: VirtualTime;
  readonly costs: Costs;
  readonly database: SharedResource;
  readonly totals: Totals;
}

export class Host {
  readonly number: number;
  readonly cores: number;
  readonly #world: World;
  readonly #cacheBytes: number;
  /** Segments in the order of their last use. */
  #cached = new Set<number>();
  /** Inputs of expansions that it has read. */
  #inputs = new Set<string>();
  /** The processor of a machine that several hosts are on. */
  readonly #shared: SharedResource | null;
  #processor: SharedResource;
  /** The threads that adapt and score, one for each core, and the engine's first thread, which does the rest. */
  #threads: SharedResource;
  #first: SharedResource;
  #network: SharedResource;
  /** Happens when the threads have scored all segments that they were given. */
  #scored = happened();
  /** Number of its expansions that are being adapted, or whose report is being made. */
  adapting = 0;
  scope = new Scope();

  constructor(
    world: World,
    number: number,
    { cores, cacheBytes }: Record<'cores' | 'cacheBytes', number>,
    shared: SharedResource | null = null,
  ) {
    this.number = number;
    this.cores = cores;
    this.#world = world;
    this.#cacheBytes = cacheBytes;
    this.#shared = shared;
    [this.#processor, this.#threads, this.#first, this.#network] = this.#resources();
  }

  #resources(): [SharedResource, SharedResource, SharedResource, SharedResource] {
    const { time, costs } = this.#world;
    const [processor, threads, first, network] = [this.cores, this.cores, 1, costs.storage.bytesPerSecond].map(
      (capacity) => new SharedResource(time, capacity),
    );
    return [this.#shared ?? processor!, threads!, first!, network!];
  }

  /** Begins anew, with nothing in its cache. */
  restart(): void {
    this.scope = new Scope();
    this.#cached = new Set();
    this.#inputs = new Set();
    this.adapting = 0;
    this.#scored = happened();
    [this.#processor, this.#threads, this.#first, this.#network] = this.#resources();
  }

  /** Computes; `seconds` are of the measured processor. */
  compute(scope: Scope, purpose: Purpose, seconds: number, threads: number): Moment {
    this.#world.totals.processorSeconds[purpose] += seconds;
    const processor = this.#processor.use(scope, seconds, threads);
    // calls are also the work of other threads, and of the storage if it is on the same machine
    if (purpose === 'coordinate') return processor;
    const own = purpose === 'merge' ? this.#first : this.#threads;
    return all([own.use(scope, seconds, threads), processor]);
  }

  /** Scores a range. The threads take segments in the order in which they are given, so one range after the other. */
  score(scope: Scope, seconds: number, threads: number): Moment {
    if (threads < this.cores) return this.compute(scope, 'score', seconds, threads);
    return this.#world.time.start(scope, this.#scoreInTurn(scope, seconds, threads));
  }

  *#scoreInTurn(scope: Scope, seconds: number, threads: number): Activity {
    const [before, scored] = [this.#scored, new Moment()];
    this.#scored = scored;
    scope.atEnd(() => scored.happen());
    yield before;
    yield this.compute(scope, 'score', seconds, threads);
    scored.happen();
  }

  read(scope: Scope, bytes: number, requests: number): Moment {
    const asked = this.#requestsOf(bytes, requests);
    this.#world.totals.bytesRead += bytes;
    this.#world.totals.reads += asked;
    return this.#world.time.start(scope, this.#transfer(scope, bytes, asked));
  }

  write(scope: Scope, bytes: number, requests: number): Moment {
    const asked = this.#requestsOf(bytes, requests);
    this.#world.totals.bytesWritten += bytes;
    this.#world.totals.writes += asked;
    return this.#world.time.start(scope, this.#transfer(scope, bytes, asked));
  }

  /** One transaction of the database. What it changes is changed at its end, by the caller. */
  call(scope: Scope): Moment {
    const { time, totals } = this.#world;
    totals.databaseCalls += 1;
    return time.start(scope, this.#call(scope));
  }

  /** Reads an expansion's inputs, if it has not yet. */
  readInputs(scope: Scope, name: string): Moment {
    const { bytes, requests } = this.#world.costs.inputs;
    if (this.#inputs.has(name)) return happened();
    this.#inputs.add(name);
    return this.read(scope, bytes, requests);
  }

  /** How many of the segments `from` to `to - 1` are not in the cache; afterwards they are. */
  takeSegments(from: number, to: number): number {
    const most = this.#cacheableSegments();
    let missing = 0;
    for (let segment = from; segment < to; segment++) {
      if (!this.#cached.delete(segment)) missing += 1;
      this.#cached.add(segment);
      // sets keep the order in which their values were added
      for (const [oldest] of this.#cached.entries()) {
        if (this.#cached.size <= most) break;
        this.#cached.delete(oldest);
      }
    }
    return missing;
  }

  /** Fills the cache with the first segments that it can hold. */
  warm(segments: number): void {
    this.#cached = new Set(Array.from({ length: Math.min(segments, this.#cacheableSegments()) }, (_, i) => i));
  }

  #cacheableSegments(): number {
    const { segmentBytes } = this.#world.costs.population;
    return segmentBytes === 0 ? Number.POSITIVE_INFINITY : Math.floor(this.#cacheBytes / segmentBytes);
  }

  #requestsOf(bytes: number, least: number): number {
    return Math.max(least, Math.ceil(bytes / this.#world.costs.storage.partBytes));
  }

  *#transfer(scope: Scope, bytes: number, requests: number): Activity {
    if (requests === 0) return;
    const { time, costs } = this.#world;
    const { requestSeconds, requestsAtOnce, processorSecondsPerRequest, processorSecondsPerByte } = costs.storage;
    yield time.wait(Math.ceil(requests / requestsAtOnce) * requestSeconds);
    const seconds = requests * processorSecondsPerRequest + bytes * processorSecondsPerByte;
    yield all([
      this.#network.use(scope, bytes, Number.POSITIVE_INFINITY),
      this.compute(scope, 'coordinate', seconds, 1),
    ]);
  }

  *#call(scope: Scope): Activity {
    const { time, costs, database } = this.#world;
    const { callSeconds, serverSeconds, processorSecondsPerCall } = costs.database;
    yield time.wait(callSeconds);
    // the server works on although its caller died
    yield all([
      database.use(new Scope(), serverSeconds, 1),
      this.compute(scope, 'coordinate', processorSecondsPerCall, 1),
    ]);
  }
}

function happened(): Moment {
  const moment = new Moment();
  moment.happen();
  return moment;
}
