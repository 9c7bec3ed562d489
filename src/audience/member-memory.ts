/** Keeps the members of often used audiences in memory, and reads them step by step. */
import type { Treated } from '../domain/hold-out.ts';
import type { PartMissing } from '../domain/ports/blobs.ts';
import { AppError } from '../lib/errors.ts';
import { buildMemberIndex, memberIndexBytes } from './member-index.ts';
import type { Ranking } from './ranking.ts';

/** Number of uses after which the members of a ranking are kept in memory. */
const USES_BEFORE_KEEPING = 256;
/**
 * Total number of uses of all rankings between two steps of reading members. A request thus waits for at most one or
 * two steps.
 */
const USES_PER_STEP = 256;

/** An open ranking and data about its use. */
export interface UsedRanking {
  readonly ranking: Ranking;
  /** Number of uses since it was last considered to keep the ranking's members in memory. */
  uses: number;
  /** The value of the use counter at the last use. */
  lastUse: number;
  /** The audience that was requested last; `null` to keep no members. */
  audience: Treated | null;
  /** Bytes of memory for the ranking's members, including members that are still being read. */
  keptBytes: number;
}

/** Members of a ranking that are being read into memory. */
interface Building {
  readonly entry: UsedRanking;
  readonly steps: ReturnType<typeof buildMemberIndex>;
  /** Whether the next step waits for a part of a file. */
  isFetching: boolean;
}

export class MemberMemory {
  readonly #memoryBytes: number;
  /** The rankings that are open. */
  readonly #open: { readonly size: number; values(): Iterable<UsedRanking> };
  /** Bytes of memory for the members of all rankings. */
  #keptBytes = 0;
  /** The queue of rankings that need their members read into memory, one ranking at a time. */
  readonly #building: Building[] = [];
  /** The value of the use counter at which the next step is due. */
  #nextStep = 0;
  #changes = 0;
  #uses = 0;

  /** All members together take at most `memoryBytes`. */
  constructor(memoryBytes: number, open: { readonly size: number; values(): Iterable<UsedRanking> }) {
    this.#memoryBytes = memoryBytes;
    this.#open = open;
  }

  /** Number of times that members were loaded into memory or removed from it. */
  get changes(): number {
    return this.#changes;
  }

  /** The value of the use counter. */
  get uses(): number {
    return this.#uses;
  }

  /** Counts the uses of a ranking that is not open. */
  count(users: number): void {
    this.#uses += users;
  }

  /** Counts the uses of an open ranking. Every `USES_PER_STEP` uses, members are read for one step. */
  use(entry: UsedRanking, users: number): void {
    this.#uses += users;
    entry.lastUse = this.#uses;
    entry.uses += users;
    if (entry.keptBytes === 0 && entry.uses >= USES_BEFORE_KEEPING) this.#keep(entry);
    if (this.#uses >= this.#nextStep) this.#step();
  }

  /** Sets the ranking's audience. If its size or hold-out has changed, the stored members are dropped. */
  recut(entry: UsedRanking, audience: Treated): void {
    if (isSame(entry.audience, audience)) return;
    this.forget(entry);
    entry.audience = audience;
  }

  forget(entry: UsedRanking): void {
    if (entry.keptBytes === 0) return;
    const at = this.#building.findIndex((one) => one.entry === entry);
    if (at >= 0) this.#building.splice(at, 1);
    entry.ranking.members = null;
    this.#changes += 1;
    this.#keptBytes -= entry.keptBytes;
    entry.keptBytes = 0;
  }

  /**
   * Starts to read the members of a ranking into memory. To make room, members of rankings that were not used recently
   * are removed. If there still is not enough room, a later use tries again.
   */
  #keep(entry: UsedRanking): void {
    const { ranking, audience } = entry;
    entry.uses = 0;
    if (audience === null) return;
    const bytes = memberIndexBytes(ranking.userCount, Math.min(audience.size, ranking.candidates));
    if (bytes > this.#memoryBytes) return;
    // a request for all audiences of a user uses each ranking once, so `recent` covers the uses in two such requests
    const recent = USES_BEFORE_KEEPING + 2 * this.#open.size;
    const quiet = [...this.#open.values()]
      .filter(({ keptBytes, lastUse }) => keptBytes > 0 && this.#uses - lastUse > recent)
      .sort((a, b) => a.lastUse - b.lastUse);
    while (this.#keptBytes + bytes > this.#memoryBytes) {
      const oldest = quiet.shift();
      if (!oldest) return;
      this.forget(oldest);
    }
    entry.keptBytes = bytes;
    this.#keptBytes += bytes;
    this.#building.push({ entry, steps: buildMemberIndex(ranking, audience), isFetching: false });
  }

  /** Takes one more step in reading the members of the first ranking in the queue. */
  #step(): void {
    this.#nextStep = this.#uses + USES_PER_STEP;
    const [first] = this.#building;
    if (first === undefined || first.isFetching) return;
    const { entry, steps } = first;
    try {
      const { done, value } = steps.next();
      if (!done) {
        if (value !== undefined) void this.#fetch(first, value);
        return;
      }
      this.#building.shift();
      entry.ranking.members = value;
      this.#changes += 1;
    } catch (error) {
      this.forget(entry);
      // the current request did not cause the error; look-ups in the faulty ranking will meet the same error and report
      // it
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Fetches the part that the next step reads. */
  async #fetch(building: Building, missing: PartMissing): Promise<void> {
    building.isFetching = true;
    try {
      await missing.fetch();
      building.isFetching = false;
    } catch {
      // look-ups will meet the same error and report it
      if (this.#building.includes(building)) this.forget(building.entry);
    }
  }
}

/** Whether two audiences of one ranking have the same members. All hold-outs of a campaign use the same key. */
export function isSame(one: Treated | null, other: Treated): boolean {
  return one !== null && one.size === other.size && one.holdout?.percent === other.holdout?.percent;
}
