/**
 * The time of a service, which does not jump when the machine's clock jumps. It advances with monotonic time, and
 * follows the machine's clock if that is plausible, has been stable for a while, or is confirmed by an operator.
 */
import type { Clock } from './clock.ts';
import type { ClockMemory, StoredTime } from './clock-memory.ts';

/** Minimum difference between the machine's clock and the service's time that counts as a jump. */
const JUMP_MS = 3_600_000;
/** Minimum correction of the service's time that is reported as an event. */
const DRIFT_MS = 1_000;
/** Maximum difference between two readings of the clocks that counts as noise. */
const NOISE_MS = 20;
/** Maximum drift of a stable clock from monotonic time. */
const STABLE_MS = 10_000;
const REMEMBER_EVERY_MS = 60_000;

export interface ServiceClockOptions {
  readonly system: Clock;
  /** The id of the machine's boot, from `findBootId`. */
  readonly boot?: string | null;
  /**
   * Milliseconds for which the machine has been suspended since an arbitrary start. Monotonic time stands still during
   * suspension.
   */
  readonly sleptMs?: () => number;
  /** How long the machine's clock must be stable before it is trusted after a jump or a boot. */
  readonly settleMs?: number;
  /** Called for jumps and their outcomes. */
  readonly onEvent?: (event: ClockEvent) => void;
}

export type ClockEvent =
  | { readonly kind: 'jumped'; readonly ms: number }
  | { readonly kind: 'settled'; readonly ms: number; readonly how: 'stable' | 'confirmed' | 'returned' }
  | { readonly kind: 'stepped'; readonly ms: number }
  | { readonly kind: 'not written'; readonly error: unknown };

export interface ClockStatus {
  /**
   * `settled`: the machine's clock is trusted. `new`: the machine has just booted, and its clock is followed. `jumped`:
   * the machine's clock is not followed.
   */
  readonly state: 'settled' | 'new' | 'jumped';
  /** How far the machine's clock is ahead of the service's time, in milliseconds. */
  readonly aheadMs: number;
  /** Milliseconds until the machine's clock is trusted, unless the clock jumps again; null if it is trusted now. */
  readonly settlesInMs: number | null;
  /** Number of clock jumps since the start of the service. */
  readonly jumps: number;
}

export class ServiceClock implements Clock {
  readonly #options: ServiceClockOptions;
  #memory: ClockMemory | null = null;
  /** The offset from monotonic time to the service's time. */
  #offset: number;
  #state: ClockStatus['state'] = 'settled';
  /** The last moment before the machine booted at which the service's time was right; null if unknown. */
  #anchor: { readonly now: number; readonly elapsed: number } | null = null;
  /** The offset of the machine's clock from monotonic time at the last jump, and the monotonic time of that jump. */
  #stable: { readonly offset: number; readonly since: number };
  #jumps = 0;
  #sleptMs: number;
  #rememberedAt = Number.NEGATIVE_INFINITY;
  #onOffset: (offsetMs: number) => void = () => {};

  /** Creates a clock that starts at the machine's current time. */
  constructor(options: ServiceClockOptions) {
    this.#options = options;
    this.#offset = this.wall() - this.elapsed();
    this.#sleptMs = options.sleptMs?.() ?? 0;
    this.#stable = { offset: this.#offset, since: this.elapsed() };
  }

  now(): number {
    return Math.floor(this.elapsed() + this.#offset);
  }

  elapsed(): number {
    return this.#options.system.elapsed();
  }

  /**
   * The time of the machine's clock, which may be wrong. Use this time only in exchanges with other systems, which have
   * their own clocks.
   */
  wall(): number {
    return this.#options.system.now();
  }

  /** The offset from monotonic time, with which another process can compute the service's time. */
  get offsetMs(): number {
    return this.#offset;
  }

  /** Sets the only listener, which is called with each new offset. */
  onOffset(listener: (offsetMs: number) => void): void {
    this.#onOffset = listener;
  }

  /**
   * The time `ageMs` ago; null while ages are unknown. Anything recorded earlier is older than `ageMs`. Clock
   * corrections do not count as age.
   */
  before(ageMs: number): number | null {
    if (this.#state !== 'settled') return null;
    let before = this.now() - ageMs;
    for (const { at, ms } of [...(this.#memory?.steps() ?? [])].reverse()) if (before < at + ms) before -= ms;
    return before;
  }

  get isSettled(): boolean {
    return this.#state === 'settled';
  }

  get status(): ClockStatus {
    const { settleMs = 0 } = this.#options;
    return {
      state: this.#state,
      aheadMs: this.wall() - this.now(),
      settlesInMs: this.isSettled ? null : Math.max(0, settleMs - (this.elapsed() - this.#stable.since)),
      jumps: this.#jumps,
    };
  }

  /**
   * Resumes from the stored time. Within the same boot of the machine, the service's time advances with monotonic time.
   * After a new boot, the machine's clock says how much time has passed, but is not trusted yet. The time never begins
   * before the stored time, because stored waiting times agree with the stored time. If the machine's clock is behind,
   * `look` moves the time and the waiting times back.
   */
  attach(memory: ClockMemory): void {
    this.#memory = memory;
    const [seen, used] = [memory.seen(), memory.used()];
    const elapsed = this.elapsed();
    if (seen !== null && this.#isOfThisBoot(seen)) this.#offset = seen.now - seen.elapsed;
    else {
      this.#state = 'new';
      this.#anchor = seen && { now: seen.now, elapsed };
      const stored = [seen, used].map((time) => time?.now ?? Number.NEGATIVE_INFINITY);
      this.#offset =
        used !== null && this.#isOfThisBoot(used)
          ? used.now - used.elapsed
          : Math.max(this.wall(), ...stored) - elapsed;
    }
    this.look();
  }

  /** Detects jumps and stores the time. Must be called every second. */
  look(): void {
    try {
      this.#addSleep();
      this.#compare();
      if (this.elapsed() - this.#rememberedAt >= REMEMBER_EVERY_MS) this.remember();
    } catch (error) {
      this.#options.onEvent?.({ kind: 'not written', error });
    }
  }

  /** Stores the service's time. If the machine has just booted, the time may be wrong, and is not stored as right. */
  remember(): void {
    this.#memory?.remember(this.#stored(this.now()), this.#isRight);
    this.#rememberedAt = this.elapsed();
  }

  /**
   * Trusts the machine's clock because an operator has confirmed it. The jump is then treated as time that has really
   * passed.
   */
  confirm(): void {
    if (this.isSettled) return;
    this.#settle('confirmed');
  }

  /** Adds the time for which the machine was suspended, so that a suspension is not mistaken for a clock jump. */
  #addSleep(): void {
    const sleptMs = this.#options.sleptMs?.() ?? 0;
    const ms = Math.round(sleptMs - this.#sleptMs);
    if (Math.abs(ms) <= DRIFT_MS) return;
    if (ms > 0) this.#step(ms, false);
    this.#sleptMs = sleptMs;
    this.#stable = { ...this.#stable, offset: this.#stable.offset + Math.max(0, ms) };
  }

  #compare(): void {
    const ahead = this.wall() - this.now();
    const isJump = Math.abs(ahead) > JUMP_MS;
    const isStable = Math.abs(this.wall() - this.elapsed() - this.#stable.offset) <= STABLE_MS;
    if (this.#state === 'jumped') {
      if (!isJump) this.#settle('returned');
      else if (!isStable) this.#jump(ahead);
      else if (this.#isStableForLong()) this.#settle('stable');
      return;
    }
    if (isJump) {
      this.#jump(ahead);
      if (this.#state === 'new') this.#startAgain();
      else this.#state = 'jumped';
      return;
    }
    if (!isStable) this.#stable = { offset: this.wall() - this.elapsed(), since: this.elapsed() };
    if (Math.abs(ahead) > DRIFT_MS) {
      this.#step(ahead, false);
      this.#options.onEvent?.({ kind: 'stepped', ms: ahead });
    } else if (Math.abs(ahead) > NOISE_MS) this.#setOffset(this.#offset + ahead);
    if (this.#state === 'new' && this.#isStableForLong()) this.#settle('stable');
  }

  #isStableForLong(): boolean {
    return this.elapsed() - this.#stable.since >= (this.#options.settleMs ?? 0);
  }

  #jump(ms: number): void {
    this.#jumps += 1;
    this.#stable = { offset: this.wall() - this.elapsed(), since: this.elapsed() };
    this.#options.onEvent?.({ kind: 'jumped', ms });
  }

  /**
   * Handles a clock jump soon after the machine booted. The clock was probably corrected, so it is trusted unless it
   * shows a time before the last moment known to be right.
   */
  #startAgain(): void {
    const since = this.#anchor;
    const least = since === null ? Number.NEGATIVE_INFINITY : since.now + this.elapsed() - since.elapsed;
    const isBefore = this.wall() < least - JUMP_MS;
    const ms = Math.floor((isBefore ? least : this.wall()) - this.now());
    if (ms !== 0) this.#step(ms, true);
    if (isBefore) this.#state = 'jumped';
  }

  #settle(how: 'stable' | 'confirmed' | 'returned'): void {
    const ms = this.wall() - this.now();
    if (Math.abs(ms) > DRIFT_MS) this.#step(ms, how !== 'confirmed');
    this.#state = 'settled';
    this.remember();
    this.#options.onEvent?.({ kind: 'settled', ms, how });
  }

  /**
   * Moves the service's time by `ms`. The previous time is stored first if it was right, so that expired keys stay
   * expired.
   */
  #step(ms: number, isCorrection: boolean): void {
    this.remember();
    const at = this.now();
    const how = { isCorrection: isCorrection && ms > JUMP_MS, time: this.#stored(at + ms), isRight: this.#isRight };
    this.#memory?.step({ at, ms }, how);
    this.#setOffset(this.#offset + ms);
  }

  get #isRight(): boolean {
    return this.#state !== 'new';
  }

  #isOfThisBoot({ boot, elapsed }: StoredTime): boolean {
    return boot !== null && boot === (this.#options.boot ?? null) && this.elapsed() >= elapsed;
  }

  #stored(now: number): StoredTime {
    return { now, elapsed: this.elapsed(), boot: this.#options.boot ?? null };
  }

  #setOffset(offset: number): void {
    this.#offset = offset;
    this.#onOffset(offset);
  }
}
