/**
 * An expansion of the simulation, as the database has it: its owner, and its ranges, which change by the rules of
 * src/domain/ranges.ts.
 */
import {
  decideRange,
  findSlow,
  NEW_RANGE,
  phaseOf,
  type RangeCommand,
  type RangeRules,
  type RangeState,
  rangeAt,
  rangesOf,
  type SegmentRange,
} from '../../../src/domain/ranges.ts';

/** What the rules ask of a result; only the time that it took decides anything. */
const RESULT = { candidates: 0, threadSeconds: 0, batchSize: 0 };
const VERSION = 'simulated';

export class Expansion {
  readonly name: string;
  readonly users: number;
  readonly #segments: number;
  readonly #segmentUsers: number;
  readonly #rules: RangeRules;
  #ranges: (SegmentRange & { readonly state: RangeState })[] = [];
  /** Hosts by the numbers of the ranges whose parts they have left. */
  readonly #writers = new Map<number, number>();
  #owner: { readonly token: number; readonly leaseUntil: number } | null = null;
  #claims = 0;
  readyAt: number | null = null;

  constructor(name: string, users: number, segmentUsers: number, rules: RangeRules) {
    this.name = name;
    this.users = users;
    this.#segmentUsers = segmentUsers;
    this.#segments = Math.ceil(users / segmentUsers);
    this.#rules = rules;
  }

  get isOffered(): boolean {
    return this.#ranges.length > 0;
  }

  /** For `chooseRanges`. */
  get offer() {
    return { modelVersion: VERSION, populationVersion: VERSION, golden: VERSION, ranges: this.#ranges };
  }

  get isScored(): boolean {
    return this.isOffered && this.#ranges.every(({ state }) => state.finished !== null);
  }

  /** Notes that the result of this host is the range's. */
  finishedBy(number: number, host: number): void {
    this.#writers.set(number, host);
  }

  /** The ranges whose parts this host does not have. */
  partsOfOthers(host: number): readonly SegmentRange[] {
    return this.#ranges.filter((_, number) => this.#writers.get(number) !== host);
  }

  usersOf({ from, to }: SegmentRange): number {
    return Math.min(this.users, to * this.#segmentUsers) - from * this.#segmentUsers;
  }

  /** The token of a claim of the whole expansion; null if another engine has it, or it is ready. */
  claim(nowMs: number): number | null {
    if (this.readyAt !== null || (this.#owner !== null && this.#owner.leaseUntil > nowMs)) return null;
    this.#owner = { token: ++this.#claims, leaseUntil: nowMs + this.#rules.leaseMs };
    return this.#claims;
  }

  /** False if another engine has taken it. */
  renew(token: number, nowMs: number): boolean {
    if (this.#owner?.token !== token || this.readyAt !== null) return false;
    this.#owner = { token, leaseUntil: nowMs + this.#rules.leaseMs };
    return true;
  }

  offerRanges(rangeSegments: number): void {
    this.#ranges = rangesOf(this.#segments, rangeSegments).map((range) => ({ ...range, state: NEW_RANGE }));
  }

  /** The range's new state; null if the command is refused because another result or engine came first. */
  decide(number: number, command: RangeCommand, nowMs: number): RangeState | null {
    const range = this.#ranges[number]!;
    const state = decideRange(range.state, command, this.#rules, nowMs);
    if (state !== null) this.#ranges[number] = { ...range, state };
    return state;
  }

  /** @throws if a range has no attempts left: then the service would end the expansion as failed */
  requireAttempts(nowMs: number): void {
    for (const { state } of this.#ranges)
      if (phaseOf(rangeAt(state, nowMs), this.#rules) === 'failed')
        throw new Error(`${this.name} fails: ${this.#rules.maximumAttempts} engines died while they scored one range`);
  }

  /** Allows a second engine to take the slow ranges; returns their number. */
  doubleSlow(nowMs: number): number {
    const states = this.#ranges.map(({ state }) => rangeAt(state, nowMs));
    const slow = findSlow(states, this.#rules, nowMs);
    for (const number of slow) this.decide(number, { kind: 'double' }, nowMs);
    return slow.length;
  }
}

export const finish = (token: number): RangeCommand => ({ kind: 'finish', token, result: RESULT });
