/** Pages of lists, and the requests for them. */
import type { Change } from './changes.ts';
import type { Campaign } from './types.ts';

export interface PageQuery {
  /** Maximum number of items on a page; 1 or more. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export type CampaignPage = Page<Campaign>;

/** One page of changes of active versions. */
export interface Changes {
  readonly items: readonly Change[];
  /** The cursor of the next page. After the last page, it returns changes that happen later. */
  readonly nextCursor: string;
  readonly hasMore: boolean;
}
