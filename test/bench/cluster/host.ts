/** A host of the simulation: its cores, its network, its cache, and the calls that its engine makes. */
import type { Costs } from './costs.ts';
import { type Activity, all, type Life, Moment, SharedResource, type VirtualTime } from './virtual-time.ts';

/** `merge`: also sorting the parts. `coordinate`: calls of the database and of object storage. */
export type Purpose = 'adapt' | 'score' | 'merge' | 'coordinate';

/** Totals of all hosts, also of what was lost with a host. */
export class Totals {
  bytesRead = 0;
  bytesWritten = 0;
  /** Requests to object storage that read, and those that write. */
  reads = 0;
  writes = 0;
  databaseCalls = 0;
  readonly processorSeconds: Record<Purpose, number> = { adapt: 0, score: 0, merge: 0, coordinate: 0 };
  /** Users whose score counted, over all campaigns. */
  usersScored = 0;
}

export interface World {
  readonly time: VirtualTime;
  readonly costs: Costs;
  readonly database: SharedResource;
  readonly totals: Totals;
}

export class Host {
  readonly cores: number;
  readonly #number: number;
  readonly #world: World;
  /** Maximum number of segments in the cache. */
  readonly #room: number;
  /** Segments in the order of their last use. */
  #cached = new Set<number>();
  /** Names of the expansions whose inputs it has read. */
  #inputs = new Set<string>();
  /** The processor of a machine that several hosts are on. */
  readonly #shared: SharedResource | null;
  #processor!: SharedResource;
  #network!: SharedResource;
  #lives = 0;
  /** Number of its expansions that are being adapted, or whose report is being made. */
  adapting = 0;
  life: Life;

  constructor(
    world: World,
    number: number,
    { cores, cacheBytes }: Record<'cores' | 'cacheBytes', number>,
    shared: SharedResource | null,
  ) {
    this.#number = number;
    this.cores = cores;
    this.#world = world;
    this.#room = Math.floor(cacheBytes / world.costs.population.segmentBytes);
    this.#shared = shared;
    this.life = this.begin();
  }

  /** Begins (anew), with nothing in its cache. */
  begin(): Life {
    const { time, costs } = this.#world;
    this.#processor = this.#shared ?? new SharedResource(time, this.cores);
    this.#network = new SharedResource(time, costs.storage.bytesPerSecond);
    this.#cached = new Set();
    this.#inputs = new Set();
    this.adapting = 0;
    this.life = { name: `host ${this.#number}, life ${++this.#lives}`, isOver: false };
    return this.life;
  }

  /** Computes in threads of the engine; `seconds` are of the measured processor. */
  compute(purpose: Purpose, seconds: number, threads = 1): Moment {
    this.#world.totals.processorSeconds[purpose] += seconds;
    return this.#processor.use(seconds, Math.min(threads, this.cores));
  }

  read(bytes: number, requests: number): Moment {
    const asked = this.#requestsOf(bytes, requests);
    this.#world.totals.bytesRead += bytes;
    this.#world.totals.reads += asked;
    return this.#world.time.start(this.life, this.#transfer(bytes, asked));
  }

  write(bytes: number, requests: number): Moment {
    const asked = this.#requestsOf(bytes, requests);
    this.#world.totals.bytesWritten += bytes;
    this.#world.totals.writes += asked;
    return this.#world.time.start(this.life, this.#transfer(bytes, asked));
  }

  /** One transaction of the database. What it changes is changed at its end, by the caller. */
  call(): Moment {
    this.#world.totals.databaseCalls += 1;
    return this.#world.time.start(this.life, this.#call());
  }

  /** Reads an expansion's inputs, if it has not yet. */
  readInputs(name: string): Moment {
    const { bytes, requests } = this.#world.costs.inputs;
    if (this.#inputs.has(name)) return new Moment().happen();
    this.#inputs.add(name);
    return this.read(bytes, requests);
  }

  /** How many of the segments `from` to `to - 1` are not in the cache; afterwards they are. */
  takeSegments(from: number, to: number): number {
    let missing = 0;
    for (let segment = from; segment < to; segment++) {
      if (!this.#cached.delete(segment)) missing += 1;
      this.#cached.add(segment);
      // sets keep the order in which their values were added
      const [oldest] = this.#cached;
      if (this.#cached.size > this.#room) this.#cached.delete(oldest!);
    }
    return missing;
  }

  /** Fills the cache with the first segments that it can hold. */
  warm(segments: number): void {
    this.takeSegments(0, Math.min(segments, this.#room));
  }

  #requestsOf(bytes: number, least: number): number {
    return Math.max(least, Math.ceil(bytes / this.#world.costs.storage.partBytes));
  }

  *#transfer(bytes: number, requests: number): Activity {
    if (requests === 0) return;
    const { time, costs } = this.#world;
    const { requestSeconds, requestsAtOnce, processorSecondsPerRequest, processorSecondsPerByte } = costs.storage;
    yield time.wait(Math.ceil(requests / requestsAtOnce) * requestSeconds);
    const seconds = requests * processorSecondsPerRequest + bytes * processorSecondsPerByte;
    yield all([this.#network.use(bytes, Number.POSITIVE_INFINITY), this.compute('coordinate', seconds)]);
  }

  *#call(): Activity {
    const { time, costs, database } = this.#world;
    const { callSeconds, serverSeconds, processorSecondsPerCall } = costs.database;
    yield time.wait(callSeconds);
    yield all([database.use(serverSeconds, 1), this.compute('coordinate', processorSecondsPerCall)]);
  }
}
