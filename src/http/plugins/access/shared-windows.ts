/**
 * Counts of requests per client that all nodes of a cluster share. A node counts in memory and adds its counts to the
 * store about once a second. A client with many new requests waits for the sum of all nodes, so that each node lets at
 * most `sharedCountSlackPercent` of a limit through without knowing what the others did.
 */
import { createHash } from 'node:crypto';
import type { SharedCounts } from '../../../domain/ports/cluster.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { HttpLimits } from '../limits.ts';

type WindowLimits = Pick<
  HttpLimits,
  'rateLimitWindowMs' | 'maximumRateLimitClients' | 'shareCountsMs' | 'sharedCountSlackPercent' | 'sharedCountWaitMs'
>;

/** Maximum number of clients whose counts are added at once. */
const MOST_CLIENTS = 1_000;

/** Receives the number of requests of a client in this window, and the milliseconds until the window ends. */
type Done = (current: number, ttlMs: number) => void;

interface Counted {
  /** Sum of all nodes when this node's counts were last added. */
  known: number;
  /** Requests of this node that are being added, and that are not in the store yet. */
  sending: number;
  unsent: number;
  waiting: Waiting[];
}

/** A request that waits for the sum. */
interface Waiting {
  /** Its position among the requests that were or will be sent together. */
  readonly position: number;
  readonly decide: (current: number) => void;
}

/** The windows of one limit. */
export class SharedWindows {
  readonly #kind: string;
  readonly #counts: SharedCounts;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #limits: WindowLimits;
  readonly #clients = new Map<string, Counted>();
  #window = 0;
  #exchange: Promise<void> | null = null;
  /** Whether the store did not answer, so that waiting for it is pointless. */
  #isAlone = false;
  #timer: NodeJS.Timeout | null = null;

  /** `kind` separates the counts of different limits. */
  constructor(kind: string, counts: SharedCounts, clock: Pick<Clock, 'now'>, limits: WindowLimits) {
    this.#kind = kind;
    this.#counts = counts;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts a request of a client that may send `maximum` in a window. `others` is the client beyond the last one. */
  count(client: string, others: string, maximum: number, done: Done): void {
    this.#timer ??= setInterval(() => void this.share(), this.#limits.shareCountsMs).unref();
    const ttlMs = this.#turn();
    const { maximumRateLimitClients: most } = this.#limits;
    const name = this.#clients.has(client) || this.#clients.size < most ? client : others;
    const counted = this.#clients.get(name) ?? { known: 0, sending: 0, unsent: 0, waiting: [] };
    this.#clients.set(name, counted);
    const current = counted.known + counted.sending + counted.unsent + 1;
    // what is refused anyway need not be added up
    const isRefused = current > maximum;
    if (!isRefused) counted.unsent += 1;
    const slack = Math.max(1, Math.floor((maximum * this.#limits.sharedCountSlackPercent) / 100));
    if (isRefused || this.#isAlone || counted.sending + counted.unsent <= slack) done(current, ttlMs);
    else {
      this.#wait(counted, (sum) => done(sum, ttlMs));
      void this.share();
    }
  }

  /** Adds the new counts to the store now. */
  share(): Promise<void> {
    this.#exchange ??= this.#addAll().finally(() => {
      this.#exchange = null;
      if (this.#isAnyWaiting()) void this.share();
    });
    return this.#exchange;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Begins another window if it is time; returns the milliseconds until the window ends. */
  #turn(): number {
    const { rateLimitWindowMs: windowMs } = this.#limits;
    const now = this.#clock.now();
    const window = Math.floor(now / windowMs);
    if (window !== this.#window) {
      // the sum of a former window comes too late
      for (const { known, sending, waiting } of this.#clients.values())
        for (const { position, decide } of waiting) decide(known + sending + position);
      this.#clients.clear();
      this.#window = window;
    }
    return (window + 1) * windowMs - now;
  }

  #wait(counted: Counted, decide: (current: number) => void): void {
    const { sharedCountWaitMs } = this.#limits;
    let isDecided = false;
    const once = (current: number) => {
      if (isDecided) return;
      isDecided = true;
      clearTimeout(timer);
      decide(current);
    };
    const waiting = { position: counted.unsent, decide: once };
    const timer = setTimeout(() => {
      const isSending = !counted.waiting.includes(waiting);
      once(counted.known + (isSending ? 0 : counted.sending) + waiting.position);
    }, sharedCountWaitMs);
    counted.waiting.push(waiting);
  }

  #isAnyWaiting(): boolean {
    for (const { waiting } of this.#clients.values()) if (waiting.length > 0) return true;
    return false;
  }

  async #addAll(): Promise<void> {
    this.#turn();
    const window = this.#window;
    const batch = [...this.#clients].filter(([, { unsent }]) => unsent > 0);
    if (batch.length === 0) return;
    // clients that wait come first, then those with the most requests
    batch.sort(([, a], [, b]) => b.waiting.length - a.waiting.length || b.unsent - a.unsent);
    const sent = batch.slice(0, MOST_CLIENTS).map(([client, counted]) => ({
      ...{ name: this.#nameOf(client), counted, waiting: counted.waiting },
    }));
    for (const { counted } of sent) Object.assign(counted, { sending: counted.unsent, unsent: 0, waiting: [] });
    let sums: ReadonlyMap<string, number> | null = null;
    try {
      const added = new Map(sent.map(({ name, counted }) => [name, counted.sending]));
      sums = await this.#counts.add(window, added);
    } catch {
      // an outage is reported elsewhere; until it ends, each node limits what it gets itself
    }
    this.#isAlone = sums === null;
    for (const { name, counted, waiting } of sent) {
      const before = (sums?.get(name) ?? counted.known + counted.sending) - counted.sending;
      for (const { position, decide } of waiting) decide(before + position);
      if (sums === null) counted.unsent += counted.sending;
      else counted.known = before + counted.sending;
      counted.sending = 0;
    }
  }

  /** A client may be a key, so the store gets only a digest. */
  #nameOf(client: string): string {
    return createHash('sha256').update(`${this.#kind} ${client}`).digest('base64url');
  }
}
