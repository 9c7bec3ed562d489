/** The audiences that hold a user: a bit of each that is kept in memory, one score of each other against its cut. */
import { HolderMatrix } from '../../audience/holder-matrix.ts';
import type { MemberIndex } from '../../audience/member-index.ts';
import { type Membership, memberAt, membershipOf } from '../../audience/membership.ts';
import type { ReadRanking } from '../../audience/ranking.ts';
import type { Audience } from '../../domain/types.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { quoteJson } from '../plugins/json/json-writing.ts';
import { decodeCampaignCursor, encodeCampaignCursor } from './cursor.ts';
import { decimalScore } from './decimal-score.ts';

type Needs = Pick<ServerDependencies, 'rankings'> & {
  readonly store: Pick<ServerDependencies['store'], 'activeAudiences'>;
};

/** Pages between two that count as a use of every ranking in memory: a use of each takes as long as the page. */
const PAGES_PER_USE = 64;

/** The active audiences by campaign id, and what is in memory of them. */
interface Listed {
  readonly of: readonly Audience[];
  readonly keptChanges: number;
  readonly audiences: readonly Audience[];
  /** What an item of each begins with. */
  readonly heads: readonly string[];
  /** By audience; null where its members are not in memory. */
  readonly rankings: readonly (ReadRanking | null)[];
  readonly members: readonly (MemberIndex | null)[];
  /** The audience of each column of the matrix; null unless all are in memory. */
  readonly ofColumn: Int32Array | null;
}

/**
 * Finds a page of the campaigns whose active audience holds a user, by campaign id, as JSON text of
 * `userAudiencesSchema`. @throws AppError invalid_cursor, storage_failed
 */
export function createUserAudiences(needs: Needs) {
  const matrix = new HolderMatrix();
  let listed: Listed | null = null;
  let pages = 0;
  return (
    userNumber: UserNumber,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): string => {
    const after = cursor === undefined ? '' : decodeCampaignCursor(cursor);
    listed = listAudiences(needs, matrix, listed);
    if (++pages % PAGES_PER_USE === 0) for (const one of listed.audiences) useOf(needs, one);
    const { audiences, heads } = listed;
    const first = after === '' ? 0 : indexAfter(audiences, after);
    const held =
      listed.ofColumn === null ? lookUpEach(needs, listed, userNumber) : findKept(matrix, listed, userNumber);
    let items = '';
    let count = 0;
    let last = '';
    for (const [i, position] of held) {
      if (i < first) continue;
      if (count === limit) return `{"items":[${items}],"next_cursor":"${encodeCampaignCursor(last)}"}`;
      items += `${count === 0 ? '' : ','}${heads[i]!}${positionText(position)}}`;
      last = audiences[i]!.campaignId;
      count += 1;
    }
    return `{"items":[${items}],"next_cursor":null}`;
  };
}

type Held = readonly [audience: number, position: Membership];

/**
 * The audiences that hold the user, if all are in memory, in their order. What is read of each is far away in memory:
 * it is fetched for several at a time where nothing else is done in between.
 */
function findKept(matrix: HolderMatrix, { ofColumn, members, rankings }: Listed, userNumber: UserNumber): Held[] {
  const held = matrix.find(userNumber).map((column) => ofColumn![column]!);
  held.sort();
  const ranks = held.map((i) => members[i]!.rankOf(userNumber));
  return Array.from(held, (i, at) => [i, memberAt(rankings[i]!, members[i]!, ranks[at]!)] as const);
}

/** The same of audiences that are in memory or not: each is looked up when it is asked for. */
function* lookUpEach(needs: Needs, { audiences, members }: Listed, userNumber: UserNumber): Generator<Held> {
  for (let i = 0; i < audiences.length; i++) {
    if (members[i]?.has(userNumber) === false) continue;
    const found = lookUp(needs, audiences[i]!, userNumber);
    if (found !== null) yield [i, found];
  }
}

/** The fields of a member's position. */
export function positionText({ rank, score, percentile }: Membership): string {
  return `"rank":${rank},"score":${decimalScore(score)},"percentile":${percentile}`;
}

/** `known` while neither the audiences nor what is in memory of them has changed: the store's list is then the same. */
function listAudiences({ store, rankings }: Needs, matrix: HolderMatrix, known: Listed | null): Listed {
  const of = store.activeAudiences();
  const { keptChanges } = rankings;
  if (known !== null && known.of === of && known.keptChanges === keptChanges) return known;
  const audiences = known?.of === of ? known.audiences : [...of].sort((a, b) => (a.campaignId < b.campaignId ? -1 : 1));
  const heads =
    known?.of === of
      ? known.heads
      : audiences.map(({ campaignId, version }) => `{"campaign_id":${quoteJson(campaignId)},"version":${version},`);
  const kept = audiences.map(({ folder, size }) => rankings.kept(folder, size));
  const members = kept.map((one) => one?.members ?? null);
  const present = members.filter((one) => one !== null);
  matrix.hold(new Set(present));
  const ofColumn = present.length < audiences.length ? null : new Int32Array(matrix.width);
  for (const [i, one] of present.entries()) if (ofColumn) ofColumn[matrix.columnOf(one)!] = i;
  return { of, keptChanges, audiences, heads, rankings: kept, members, ofColumn };
}

function lookUp(needs: Needs, audience: Audience, userNumber: UserNumber): Membership | null {
  const ranking = useOf(needs, audience);
  return ranking === null ? null : membershipOf(ranking, audience.size, userNumber);
}

/** Null for a campaign that was deleted since the list was read; one that is still there has a damaged ranking. */
function useOf({ store, rankings }: Needs, { folder, size }: Audience): ReadRanking | null {
  try {
    return rankings.get(folder, size);
  } catch (error) {
    if (!(error instanceof AppError) || store.activeAudiences().some((one) => one.folder === folder)) throw error;
    return null;
  }
}
/** The first audience whose campaign comes after this one. */
function indexAfter(audiences: readonly Audience[], campaignId: string): number {
  let low = 0;
  let high = audiences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (audiences[middle]!.campaignId <= campaignId) low = middle + 1;
    else high = middle;
  }
  return low;
}
