/** A process of the cluster with its lines to the database and to object storage, and when it was last disturbed. */
import { systemClock } from '../../../src/lib/clock.ts';
import type { FlakyProxy } from '../../fixture/network/flaky-proxy.ts';
import type { Span } from '../corruption.ts';
import type { Member } from '../member.ts';

/** What a process reaches through a proxy of its own. */
export type Line = 'database' | 'storage';

/** A process needs this long after a disturbance to connect again. */
const RECOVERY_MS = 3_000;

export class Station {
  readonly member: Member;
  readonly #proxies: Readonly<Record<Line, FlakyProxy>>;
  readonly #disturbances: Span[] = [];
  #running = 0;
  #isSpared = false;
  #calmFrom = 0;

  constructor(member: Member, proxies: Readonly<Record<Line, FlakyProxy>>) {
    this.member = member;
    this.#proxies = proxies;
  }

  /** For latency and connections that are cut. */
  get lines(): readonly FlakyProxy[] {
    return [this.#proxies.database, this.#proxies.storage];
  }

  /** Nothing passes on this line until `heal`, in silence. */
  partition(line: Line): void {
    this.#proxies[line].partition();
  }

  heal(line: Line): void {
    this.#proxies[line].heal();
  }

  /** All disturbances with the time that it needed to recover, in ms since 1970. */
  get disturbances(): readonly Span[] {
    return this.#disturbances;
  }

  /** Begins a disturbance; the returned function ends it. */
  disturb(): () => void {
    const span = { from: systemClock.now(), to: Number.POSITIVE_INFINITY };
    this.#disturbances.push(span);
    this.#running += 1;
    return () => {
      this.#running -= 1;
      span.to = systemClock.now() + RECOVERY_MS;
      this.#calmFrom = performance.now() + RECOVERY_MS;
    };
  }

  /** Runs an action as a disturbance. */
  async disturbed<T>(action: () => Promise<T>): Promise<T> {
    const end = this.disturb();
    try {
      return await action();
    } finally {
      end();
    }
  }

  /** False if the process was gone at the moment. It is disturbed until it is ready again. */
  kill(): boolean {
    if (!this.member.kill()) return false;
    void this.disturbed(() => this.member.ready()).catch(() => {});
    return true;
  }

  /** Whether no kill may strike it at the moment. */
  get isSpared(): boolean {
    return this.#isSpared;
  }

  /** Runs an action that kills would never let end. Other faults strike the process meanwhile. */
  async spared<T>(action: () => Promise<T>): Promise<T> {
    this.#isSpared = true;
    try {
      return await action();
    } finally {
      this.#isSpared = false;
    }
  }

  /** Whether nothing has disturbed it since a time (of `performance.now`). */
  isCalmSince(time: number): boolean {
    return this.#running === 0 && this.#calmFrom <= time;
  }
}
