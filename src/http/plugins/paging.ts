/** The query of a page. */
import { z } from 'zod';
import { component } from '../openapi/component.ts';

/** Where a page begins: after the previous one. */
export const pageCursor = z
  .string()
  .optional()
  .describe('`next_cursor` of the previous page.')
  .meta(component('PageCursor'));
