/** Creates pages of a feature's known values, sorted by code. The code of a value never changes. */
import { createHash } from 'node:crypto';
import type { ValueList } from '../../service/ports/served.ts';
import { invalidCursor } from '../audiences/cursor.ts';

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
  let code = cursor === undefined ? 1 : decode(scope, cursor);
  for (const end = Math.min(values.size, code + maximumScan); code < end && items.length < limit; code++) {
    const value = values.token(code);
    if (prefix !== undefined && !value.startsWith(prefix)) continue;
    if (needle === undefined || value.toLowerCase().includes(needle)) items.push(present(value, code));
  }
  return { items, next_cursor: code < values.size ? encode(scope, code) : null };
}

const FORM = /^v1:([1-9]\d{0,9}):[0-9a-f]{8}$/;

function encode(scope: string, code: number): string {
  const check = createHash('sha256').update(scope).digest('hex').slice(0, 8);
  return Buffer.from(`v1:${code}:${check}`).toString('base64url');
}

function decode(scope: string, cursor: string): number {
  const code = Number(FORM.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1]);
  if (!Number.isSafeInteger(code) || encode(scope, code) !== cursor) {
    throw invalidCursor(cursor, 'the cursor does not belong to this list');
  }
  return code;
}
