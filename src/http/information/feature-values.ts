/** Creates pages of a feature's known values, sorted by code. The code of a value never changes. */
import { decodeCursor, encodeCursor } from '../../domain/cursors.ts';
import type { ValueList } from '../../service/ports/served.ts';

export interface ValueQuery {
  readonly prefix: string | undefined;
  /** The text that listed values must contain, ignoring case. */
  readonly search: string | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/**
 * Returns up to `limit` matching values, starting at the cursor. The scan stops after `maximumScan` values, so any page
 * may be short. `present` turns a value into an item. `scope` identifies the list.
 * @throws AppError invalid_cursor if the cursor belongs to another list
 */
export function pageOfValues<T>(
  values: ValueList,
  scope: string,
  { prefix, search, limit, cursor }: ValueQuery,
  maximumScan: number,
  present: (value: string, code: number) => T,
): { items: T[]; next_cursor: string | null } {
  const needle = search?.toLowerCase();
  const items: T[] = [];
  let code = cursor === undefined ? 1 : decodeCursor('feature_values', cursor, { scope });
  for (const end = Math.min(values.size, code + maximumScan); code < end && items.length < limit; code++) {
    const value = values.token(code);
    if (prefix !== undefined && !value.startsWith(prefix)) continue;
    if (needle === undefined || value.toLowerCase().includes(needle)) items.push(present(value, code));
  }
  return { items, next_cursor: code < values.size ? encodeCursor('feature_values', code, scope) : null };
}
