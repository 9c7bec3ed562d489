/** Query parameters of paged lists. */
import { z } from 'zod';
import { component } from '../openapi/component.ts';
import { pageLimit } from './json/query-numbers.ts';
import type { HttpLimits } from './limits.ts';

/** Schema of the query parameter `cursor`, which marks where the page begins. */
export const pageCursor = z
  .string()
  .optional()
  .describe('`next_cursor` of the previous page.')
  .meta(component('PageCursor'));

/** Query schema for a paged list. */
export function pageQuery({ maximumCampaignPageSize, defaultCampaignPageSize }: HttpLimits) {
  return z.strictObject({
    limit: pageLimit(maximumCampaignPageSize, defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
  });
}
