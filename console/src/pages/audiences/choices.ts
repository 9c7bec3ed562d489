/** The filters and the sort order of the list. The address has them as the parameters of `GET /v1/campaigns`. */
import type { CampaignState } from '../../api/types.ts';
import { hrefOf, type Place, type Router } from '../../router.ts';
import type { Sorting } from '../../ui/table.tsx';
import type { Choices } from './load.ts';
import { STATES } from './words.ts';

type Sort = NonNullable<Choices['sort']>;

/** The columns that the API can sort by, and the words for the order. */
const SORTS: Readonly<Record<Sort, Sorting & { readonly words: string }>> = {
  '-created_at': { key: 'created', direction: 'descending', words: 'newest first' },
  created_at: { key: 'created', direction: 'ascending', words: 'oldest first' },
  name: { key: 'name', direction: 'ascending', words: 'by name' },
  '-name': { key: 'name', direction: 'descending', words: 'by name, from Z to A' },
  '-updated_at': { key: 'updated', direction: 'descending', words: 'last changed first' },
  state: { key: 'state', direction: 'other', words: 'by status' },
};

/** Returns the choices in an address. Values that the API would refuse are ignored. */
export function choicesOf({ query, all }: Place): Choices {
  const { search, state, sort, created_from: from, created_to: to } = query;
  const label = all('label').filter((text) => /^[^=]+=/.test(text));
  return {
    ...(search && { search }),
    ...(isState(state) && { state }),
    ...(label.length > 0 && { label }),
    ...(isTime(from) && { created_from: from }),
    ...(isTime(to) && { created_to: to }),
    ...(isSort(sort) && { sort }),
  };
}

/** Changes some of the choices in the address. With `replace`, the back button skips the current choices. */
export function choose(
  { place, go }: Router,
  part: { readonly [Name in keyof Choices]: Choices[Name] | undefined },
  how?: { readonly replace?: boolean },
): void {
  const current = place.peek();
  go(hrefOf(current.segments.length === 0 ? ['audiences'] : current.segments, { ...choicesOf(current), ...part }), how);
}

/** Whether the choices leave out some campaigns. */
export function isFiltered({ sort: _, ...filters }: Choices): boolean {
  return Object.keys(filters).length > 0;
}

/** Returns the column and the direction of an order; the API's default is newest first. */
export function sortingOf({ sort = '-created_at' }: Choices) {
  return SORTS[sort];
}

/** The order of a column and direction, or undefined for the default. */
export function sortOf(sorting: Sorting | null): Sort | undefined {
  const sorts = Object.keys(SORTS) as Sort[];
  return sorts.find((sort) => SORTS[sort].key === sorting?.key && SORTS[sort].direction === sorting.direction);
}

/** Returns a label as the API takes it, `key=text`, for `key=text`, `key: text` or `key:text`; null for other texts. */
export function labelOf(text: string): string | null {
  const [, key, rest] = /^([^=]+?)(?:=|: )(.*)$/s.exec(text) ?? /^([^:]+):(.*)$/s.exec(text) ?? [];
  return key === undefined || rest === undefined ? null : `${key.trim()}=${rest.trim()}`;
}

/** Returns the first moment of a local day, `daysLater` days later. */
export function startOf(day: string, daysLater = 0): string {
  const at = new Date(`${day}T00:00`);
  at.setDate(at.getDate() + daysLater);
  return at.toISOString();
}

/** Returns the local day (YYYY-MM-DD) of a moment, or of the moment before it. */
export function dayOf(time: string | undefined, { isEnd = false } = {}): string {
  if (time === undefined) return '';
  // Swedish dates have the form that date fields expect
  return new Date(Date.parse(time) - Number(isEnd)).toLocaleDateString('sv-SE');
}

function isState(text: string | undefined): text is CampaignState {
  return text !== undefined && Object.hasOwn(STATES, text);
}

function isSort(text: string | undefined): text is Sort {
  return text !== undefined && Object.hasOwn(SORTS, text);
}

function isTime(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) && !Number.isNaN(Date.parse(text));
}
