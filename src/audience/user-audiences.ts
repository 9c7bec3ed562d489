/**
 * Finds the audiences that contain a user. For an audience in memory, one bit is read; for any other audience, the
 * user's score is compared with the cut.
 */
import type { CampaignStore } from '../domain/ports/store.ts';
import type { Audience } from '../domain/types.ts';
import type { UserNumber } from '../lib/brands.ts';
import { AppError } from '../lib/errors.ts';
import { HolderMatrix } from './holder-matrix.ts';
import type { MemberIndex } from './member-index.ts';
import { type Membership, memberAt, membershipOf } from './membership.ts';
import type { ReadRanking } from './ranking.ts';
import type { RankingCache } from './ranking-cache.ts';

/**
 * One in this many calls to `find` counts as a use of each ranking in memory. Not all calls are counted, because
 * counting takes as long as a call.
 */
const CALLS_PER_USE = 64;

/** The active audiences, ordered by campaign id, with the rankings and members that are in memory. */
interface Listed {
  readonly of: readonly Audience[];
  readonly keptChanges: number;
  readonly audiences: readonly Audience[];
  /** The ranking of each audience; null if the members of the audience are not in memory. */
  readonly rankings: readonly (ReadRanking | null)[];
  readonly members: readonly (MemberIndex | null)[];
  /** For each column of the matrix, the index of its audience; null unless all audiences are in memory. */
  readonly ofColumn: Int32Array | null;
}

/** The index of an audience that contains the user, and the user's position in the audience. */
export type HeldAudience = readonly [audience: number, position: Membership];

export interface FoundAudiences {
  /** All active audiences, ordered by campaign id. The array stays the same until an active audience changes. */
  readonly audiences: readonly Audience[];
  /**
   * The audiences that contain the user, in the order of `audiences`. Iterate over them immediately, because some
   * audiences are looked up only during the iteration.
   */
  readonly held: readonly HeldAudience[] | AsyncIterable<HeldAudience>;
}

export class UserAudiences {
  readonly #store: Pick<CampaignStore, 'activeAudiences'>;
  readonly #rankings: Pick<RankingCache, 'use' | 'kept' | 'keptChanges'>;
  readonly #matrix = new HolderMatrix();
  #listed: Listed | null = null;
  #calls = 0;

  constructor(
    store: Pick<CampaignStore, 'activeAudiences'>,
    rankings: Pick<RankingCache, 'use' | 'kept' | 'keptChanges'>,
  ) {
    this.#store = store;
    this.#rankings = rankings;
  }

  /**
   * Finds the audiences that contain a user.
   * @throws AppError storage_failed, including during the iteration over `held`
   */
  async find(userNumber: UserNumber): Promise<FoundAudiences> {
    if (++this.#calls % CALLS_PER_USE === 0)
      for (const one of await this.#store.activeAudiences()) await this.#read(one, () => {});
    // nothing may wait from here on, because another call may change the list and the matrix in the meantime
    const listed = this.#list(await this.#store.activeAudiences());
    const { audiences } = listed;
    const held = listed.ofColumn === null ? this.#lookUpEach(listed, userNumber) : this.#findKept(listed, userNumber);
    return { audiences, held };
  }

  /**
   * Finds the audiences of a user if all audiences are in memory. The ranks are read in a separate loop, so that the
   * processor can fetch the scattered data of several audiences at a time.
   */
  #findKept({ ofColumn, members, rankings }: Listed, userNumber: UserNumber): HeldAudience[] {
    const held = this.#matrix.find(userNumber).map((column) => ofColumn![column]!);
    held.sort();
    const ranks = held.map((i) => members[i]!.rankOf(userNumber));
    return Array.from(held, (i, at) => [i, memberAt(rankings[i]!, members[i]!, ranks[at]!)] as const);
  }

  /**
   * Finds the audiences of a user if some audiences are not in memory. Each audience is looked up when the iteration
   * reaches it.
   */
  async *#lookUpEach({ audiences, members }: Listed, userNumber: UserNumber): AsyncGenerator<HeldAudience> {
    for (let i = 0; i < audiences.length; i++) {
      if (members[i]?.has(userNumber) === false) continue;
      const found = await this.#read(audiences[i]!, (ranking) => membershipOf(ranking, audiences[i]!, userNumber));
      if (found !== null) yield [i, found];
    }
  }

  /**
   * Returns the list of the active audiences `of`. The object stays the same until the audiences, or their members in
   * memory, change.
   */
  #list(of: readonly Audience[]): Listed {
    const known = this.#listed;
    const { keptChanges } = this.#rankings;
    if (known !== null && known.of === of && known.keptChanges === keptChanges) return known;
    const audiences =
      known?.of === of ? known.audiences : [...of].sort((a, b) => (a.campaignId < b.campaignId ? -1 : 1));
    const rankings = audiences.map((one) => this.#rankings.kept(one.folder, one));
    const members = rankings.map((one) => one?.members ?? null);
    const present = members.filter((one) => one !== null);
    this.#matrix.hold(new Set(present));
    const ofColumn = present.length < audiences.length ? null : new Int32Array(this.#matrix.width);
    for (const [i, one] of present.entries()) if (ofColumn) ofColumn[this.#matrix.columnOf(one)!] = i;
    this.#listed = { of, keptChanges, audiences, rankings, members, ofColumn };
    return this.#listed;
  }

  /**
   * Returns the result of `work`, which reads an audience's ranking, or null if the campaign was deleted after the list
   * was read. If the audience is still active, the error of opening or reading its ranking is thrown.
   */
  async #read<T>(audience: Audience, work: (ranking: ReadRanking) => T): Promise<T | null> {
    const { folder } = audience;
    try {
      const result = this.#rankings.use(folder, work, { audience });
      return result instanceof Promise ? await result : result;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if ((await this.#store.activeAudiences()).some((one) => one.folder === folder)) throw error;
      return null;
    }
  }
}
