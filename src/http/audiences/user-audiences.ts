/** Creates pages of the audiences that contain a user. */
import { decodePlace, encodeCursor } from '../../domain/cursors.ts';
import type { AudienceCut } from '../../domain/cuts.ts';
import type { Audience } from '../../domain/types.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { decimalScore } from '../../lib/text/decimal-score.ts';
import type { HeldAudience, Membership } from '../../service/ports/rankings.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { quoteJson } from '../plugins/json/json-writing.ts';

/**
 * Returns a page of the campaigns whose active audience contains a user, sorted by campaign id, as JSON text that
 * conforms to `userAudiencesSchema`.
 * @throws AppError invalid_cursor, storage_failed
 */
export function createUserAudiences({ userAudiences }: ServerDependencies) {
  let listed: readonly Audience[] = [];
  /** The parts of each audience's JSON text that are the same for all users. */
  let listedTexts: readonly AudienceText[] = [];
  return async (
    userNumber: UserNumber,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<string> => {
    const after = cursor === undefined ? '' : decodePlace('user_audiences', cursor);
    const { audiences, held } = await userAudiences.find(userNumber);
    if (audiences !== listed) listedTexts = audiences.map(textOf);
    listed = audiences;
    const texts = listedTexts;
    const first = after === '' ? 0 : indexAfter(audiences, after);
    let items = '';
    let count = 0;
    let last = '';
    /** Adds an audience to the page. Returns false if the page is full. */
    const add = ([i, position]: HeldAudience): boolean => {
      if (i < first) return true;
      if (count === limit) return false;
      const { head, cuts } = texts[i]!;
      items += `${count === 0 ? '' : ','}${head}${positionText(position)},"cuts":[${namesAt(cuts, position.rank)}]}`;
      last = audiences[i]!.campaignId;
      count += 1;
      return true;
    };
    // for audiences in memory, the look-up creates no promise
    const isWhole = 'length' in held ? held.every(add) : await everyOf(held, add);
    return `{"items":[${items}],"next_cursor":${isWhole ? 'null' : `"${encodeCursor('user_audiences', last)}"`}}`;
  };
}

async function everyOf<T>(items: AsyncIterable<T>, use: (item: T) => boolean): Promise<boolean> {
  for await (const item of items) if (!use(item)) return false;
  return true;
}

interface AudienceText {
  readonly head: string;
  readonly cuts: readonly AudienceCut[];
}

function textOf({ campaignId, version, cuts }: Audience): AudienceText {
  return { head: `{"campaign_id":${quoteJson(campaignId)},"version":${version},`, cuts };
}

/** The names of the cuts that contain a rank, as a JSON array. */
function namesAt(cuts: readonly AudienceCut[], rank: number): string {
  let names = '';
  for (const { name, from, to } of cuts)
    if (from < rank && rank <= to) names += `${names === '' ? '' : ','}${quoteJson(name)}`;
  return names;
}

/** The position of a member as JSON fields. */
export function positionText({ rank, score, percentile }: Membership): string {
  return `"rank":${rank},"score":${decimalScore(score)},"percentile":${percentile}`;
}

/** Index of the first audience whose campaign id is greater than `campaignId`. */
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
