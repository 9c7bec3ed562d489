/**
 * Announcements between processes with NOTIFY of Postgres. One connection listens. It also sends a pulse to itself
 * twice a second. Postgres delivers announcements in the order of their commits, so a returned pulse proves that all
 * earlier announcements have arrived. But each NOTIFY wakes every listening connection, whatever the channel, and the
 * pulses of a hundred engines would keep the server busy. So processes that answer no requests only check that their
 * connection still answers.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as startTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { systemClock } from '../../../lib/clock.ts';
import { within } from '../../../lib/within.ts';
import type { Listener } from '../../sql/sql.ts';
import { newClient } from './driver.ts';

const CHANNEL = 'metaheac';
/** The connection keeps the plans under these names. */
const SEND_PULSE = { name: 'pulse', text: 'SELECT pg_notify($1, $2)' };
const ASK = { name: 'ask', text: 'SELECT 1' };
/** After this time without an answer, the connection counts as lost. */
const ANSWER_MS = 2_000;
/** Pause before a lost connection is opened again. */
const RECONNECT_MS = 200;
/** Maximum number of announcements with a key per transaction. Beyond it, whole topics are announced. */
const MOST_KEYS = 200;

type Announced = readonly (readonly [topic: string, key: string | null])[];
/**
 * How a process checks that it has received all announcements: `proved` by pulses, or only because its connection
 * `answers`. In the second case, an announcement committed before the answer may arrive shortly after it.
 */
export type Tracking = 'proved' | 'answers';

/** Interval between checks, and for how long after it was sent an answered check proves that nothing is missing. */
const PACES = {
  proved: { everyMs: 400, freshMs: 900 },
  answers: { everyMs: 1_500, freshMs: 3_600 },
} as const satisfies Record<Tracking, object>;

export class Announcements {
  readonly #url: string;
  readonly #tracking: Tracking;
  readonly #listeners = new Map<string, Listener[]>();
  /** The channel of this process's own pulses. */
  readonly #own = `pulses ${randomUUID()}`;
  #client: pg.Client | null = null;
  #connecting: Promise<pg.Client> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  /** When the last returned pulse was sent. */
  #freshAt = Number.NEGATIVE_INFINITY;
  #pulse = 0;
  readonly #working = new Set<Promise<unknown>>();
  readonly #sent = new Map<number, { readonly at: number; readonly arrived: () => void }>();

  constructor(url: string, tracking: Tracking) {
    this.#url = url;
    this.#tracking = tracking;
  }

  /** The parameters of the statement that announces, at the end of a transaction. */
  static encode(announced: Announced): { readonly channel: string; readonly texts: string[] } {
    const texts = new Set(announced.map(([topic, key]) => (key === null ? topic : `${topic} ${key}`)));
    const topics = new Set(announced.map(([topic]) => topic));
    return { channel: CHANNEL, texts: [...(texts.size > MOST_KEYS ? topics : texts)] };
  }

  /** If the listener returns a promise, `caughtUp` waits for it. */
  listen(topic: string, listener: Listener): void {
    this.#listeners.set(topic, [...(this.#listeners.get(topic) ?? []), listener]);
    if (this.#timer === null && !this.#isClosed) this.#schedule(0);
  }

  /** Calls the listeners of this process. */
  deliver(announced: Announced): void {
    for (const [topic, key] of announced)
      for (const listener of this.#listeners.get(topic) ?? []) this.#call(listener, key);
  }

  #call(listener: Listener, key: string | null): void {
    const work = listener(key);
    if (!(work instanceof Promise)) return;
    this.#working.add(work);
    const end = () => void this.#working.delete(work);
    work.then(end, end);
  }

  /** Whether all announcements committed up to a moment ago have been received, as far as `Tracking` can tell. */
  get isFresh(): boolean {
    return systemClock.elapsed() - this.#freshAt < PACES[this.#tracking].freshMs;
  }

  /** Milliseconds since this process last knew that it had received everything. */
  get staleMs(): number {
    return systemClock.elapsed() - this.#freshAt;
  }

  /** Resolves when all announcements committed before the call have been received and the listeners have finished. */
  async caughtUp(): Promise<void> {
    while (!this.#isClosed && !(await this.#sendPulse())) await setTimeout(RECONNECT_MS);
    await Promise.allSettled(this.#working);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  #schedule(ms: number): void {
    this.#timer = startTimer(async () => {
      const isAnswered = await (this.#tracking === 'proved' ? this.#sendPulse() : this.#ask());
      // random, so that processes that lost the database together do not all reconnect together
      const pauseMs = RECONNECT_MS * (1 + Math.random());
      if (!this.#isClosed) this.#schedule(isAnswered ? PACES[this.#tracking].everyMs : pauseMs);
    }, ms);
    this.#timer.unref();
  }

  /** Sends a pulse and returns whether it came back. */
  async #sendPulse(): Promise<boolean> {
    const number = ++this.#pulse;
    const isBack = await this.#answered((client) => {
      const arrival = new Promise<void>((arrived) => this.#sent.set(number, { at: systemClock.elapsed(), arrived }));
      return Promise.all([client.query({ ...SEND_PULSE, values: [this.#own, `${number}`] }), arrival]);
    });
    this.#sent.delete(number);
    return isBack;
  }

  /** Checks whether the connection answers. */
  async #ask(): Promise<boolean> {
    let askedAt = Number.NEGATIVE_INFINITY;
    const isAnswered = await this.#answered((client) => {
      askedAt = systemClock.elapsed();
      return client.query(ASK);
    });
    if (isAnswered) this.#freshAt = Math.max(this.#freshAt, askedAt);
    return isAnswered;
  }

  /** Calls `work` with the connection, or a new one if there is none; returns whether it succeeded in time. */
  async #answered(work: (client: pg.Client) => Promise<unknown>): Promise<boolean> {
    try {
      await within(ANSWER_MS, work(this.#client ?? (await this.#connectOnce())), late);
      return true;
    } catch {
      this.#drop();
      return false;
    }
  }

  /** Concurrent calls share one connection. */
  async #connectOnce(): Promise<pg.Client> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(): Promise<pg.Client> {
    const client = newClient(this.#url, 'metaheac listener');
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    client.on('notification', ({ channel, payload = '' }) => this.#receive(channel, payload));
    try {
      await client.connect();
      await within(ANSWER_MS, client.query(`LISTEN ${CHANNEL}; LISTEN "${this.#own}"`), late);
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    // announcements before this moment may be missing
    for (const topic of this.#listeners.keys()) this.deliver([[topic, null]]);
    return client;
  }

  #drop(client = this.#client): void {
    if (client === null || client !== this.#client) return;
    this.#client = null;
    client.end().catch(() => {});
  }

  #receive(channel: string, payload: string): void {
    const [topic = '', key] = payload.split(' ');
    if (channel === this.#own) this.#pulseArrived(Number(payload));
    else this.deliver([[topic, key ?? null]]);
  }

  #pulseArrived(number: number): void {
    const pulse = this.#sent.get(number);
    if (pulse === undefined) return;
    this.#freshAt = Math.max(this.#freshAt, pulse.at);
    pulse.arrived();
  }
}

const late = (): Error => new Error('the database does not answer');
