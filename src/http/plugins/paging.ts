/** The queries of pages. */
import { z } from 'zod';
import { component } from '../openapi/component.ts';
import { pageLimit } from './json/query-numbers.ts';
import type { HttpLimits } from './limits.ts';

/** The query parameter that says where a page begins: after the previous one. */
export const pageCursor = z
  .string()
  .optional()
  .describe('`next_cursor` of the previous page.')
  .meta(component('PageCursor'));

/** The query of a page of a list of records. */
export function pageQuery({ maximumCampaignPageSize, defaultCampaignPageSize }: HttpLimits) {
  return z.strictObject({
    limit: pageLimit(maximumCampaignPageSize, defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
  });
}
