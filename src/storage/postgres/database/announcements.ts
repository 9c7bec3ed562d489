/**
 * Announcements between processes, by NOTIFY of Postgres. One connection listens. It also sends a pulse to itself twice
 * a second: Postgres delivers announcements in the order of their commits, so a pulse that came back proves that
 * everything announced before it has been received.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as startTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { systemClock } from '../../../lib/clock.ts';
import { newClient } from './driver.ts';

const CHANNEL = 'metaheac';
/** Time between two pulses. */
const PULSE_MS = 400;
/** The connection keeps the plan under this name. */
const SEND_PULSE = { name: 'pulse', text: 'SELECT pg_notify($1, $2)' };
/** After this time without an answer, the connection counts as lost. */
const ANSWER_MS = 2_000;
/** For this long after a pulse was sent, its answer proves that nothing is missing. */
const FRESH_MS = 900;
/** Pause before a lost connection is opened again. */
const RECONNECT_MS = 200;
/** Maximum number of announcements of a transaction that name a key; with more, whole topics are announced. */
const MOST_KEYS = 200;

type Announced = readonly (readonly [topic: string, key: string | null])[];
/** What is done after an announcement. `caughtUp` waits for a promise that it returns. */
export type Listener = (key: string | null) => unknown;

export class Announcements {
  readonly #url: string;
  readonly #listeners = new Map<string, Listener[]>();
  /** Names this process in its pulses. */
  readonly #self = randomUUID();
  #client: pg.Client | null = null;
  #connecting: Promise<pg.Client> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  /** When the last pulse was sent that came back. */
  #freshAt = Number.NEGATIVE_INFINITY;
  #pulse = 0;
  readonly #working = new Set<Promise<unknown>>();
  readonly #sent = new Map<number, { readonly at: number; readonly arrived: () => void }>();

  constructor(url: string) {
    this.#url = url;
  }

  /** The parameters of the statement that announces, at the end of a transaction. */
  static encode(announced: Announced): { readonly channel: string; readonly texts: string[] } {
    const texts = new Set(announced.map(([topic, key]) => (key === null ? topic : `${topic} ${key}`)));
    const topics = new Set(announced.map(([topic]) => topic));
    return { channel: CHANNEL, texts: [...(texts.size > MOST_KEYS ? topics : texts)] };
  }

  /** Calls `listener` with the key of each announcement, and with null if some may be missing. */
  listen(topic: string, listener: Listener): void {
    this.#listeners.set(topic, [...(this.#listeners.get(topic) ?? []), listener]);
    if (this.#timer === null && !this.#isClosed) this.#schedule(0);
  }

  /** Tells the listeners of this process. */
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

  /** Whether everything that was committed until a moment ago has been received. */
  get isFresh(): boolean {
    return systemClock.elapsed() - this.#freshAt < FRESH_MS;
  }

  /** Milliseconds since this process last knew that it had received everything. */
  get staleMs(): number {
    return systemClock.elapsed() - this.#freshAt;
  }

  /** Resolves once everything was received that had been committed before the call, and the listeners are done. */
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
      const isAnswered = await this.#sendPulse();
      // processes that lost the database together must not come back together
      const pauseMs = RECONNECT_MS * (1 + Math.random());
      if (!this.#isClosed) this.#schedule(isAnswered ? PULSE_MS : pauseMs);
    }, ms);
    this.#timer.unref();
  }

  /** Sends a pulse and waits for it, over a new connection if there is none; returns whether it came back. */
  async #sendPulse(): Promise<boolean> {
    const number = ++this.#pulse;
    try {
      const client = this.#client ?? (await this.#connectOnce());
      const arrival = new Promise<void>((arrived) => this.#sent.set(number, { at: systemClock.elapsed(), arrived }));
      const sent = client.query({ ...SEND_PULSE, values: [CHANNEL, `${this.#self} ${number}`] });
      await within(ANSWER_MS, Promise.all([sent, arrival]));
      return true;
    } catch {
      this.#drop();
      return false;
    } finally {
      this.#sent.delete(number);
    }
  }

  /** Calls at the same time share one connection. */
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
    client.on('notification', ({ payload = '' }) => this.#receive(payload));
    try {
      await client.connect();
      await within(ANSWER_MS, client.query(`LISTEN ${CHANNEL}`));
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    // what was announced before this moment may be missing
    for (const topic of this.#listeners.keys()) this.deliver([[topic, null]]);
    return client;
  }

  #drop(client = this.#client): void {
    if (client === null || client !== this.#client) return;
    this.#client = null;
    client.end().catch(() => {});
  }

  #receive(payload: string): void {
    const [topic = '', key] = payload.split(' ');
    if (topic !== this.#self) this.deliver([[topic, key ?? null]]);
    const pulse = topic === this.#self ? this.#sent.get(Number(key)) : undefined;
    if (pulse === undefined) return;
    this.#freshAt = Math.max(this.#freshAt, pulse.at);
    pulse.arrived();
  }
}

/** @throws Error if the promise has not settled in time */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = startTimer(() => late.reject(new Error('the database does not answer')), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
