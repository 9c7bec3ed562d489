/** The extra field of a user in an upload: the weight of a seed, or the expiry of a user on a suppression list. */
import type { ServerConfig } from '../config.ts';
import { instant } from '../plugins/json/fields.ts';
import type { Wrong } from '../plugins/json/validation.ts';
import { entryList, parseWeight, wrongWeight } from './seed-weights.ts';

export interface EntryField {
  /** Name of the JSON field and CSV column. */
  readonly name: 'weight' | 'expires_at';
  /** Parses a CSV field; undefined if it is empty. */
  readonly parse: (text: string) => unknown;
  readonly wrong: (value: unknown) => Wrong | null;
  /** Converts the value to a number. */
  readonly numberOf: (value: unknown) => number;
}

/** A user id, with or without the extra field, in JSON. */
export type Entry = string | { readonly user_id: string; readonly weight?: number; readonly expires_at?: string };

export function weightField(maximum: number): EntryField {
  return { name: 'weight', parse: parseWeight, wrong: (weight) => wrongWeight(weight, maximum), numberOf: Number };
}

/** `now` returns ms since 1970. */
export function expiryField(now: () => number): EntryField {
  return {
    name: 'expires_at',
    parse: (text) => text || undefined,
    wrong: (time) => wrongExpiry(time, now()),
    numberOf: (time) => Date.parse(time as string),
  };
}

/** Returns why a time is refused, or null if it is valid. */
function wrongExpiry(time: unknown, now: number): Wrong | null {
  const parsed = instant.safeParse(time);
  if (!parsed.success) return { message: 'expires_at must be an RFC 3339 time, such as 2027-01-31T00:00:00Z' };
  return parsed.data > now ? null : { message: 'expires_at must be in the future' };
}

/** Schema of the users of a suppression list in JSON, who may have an expiry. */
export function expiringList(config: ServerConfig, description: string, now: () => number) {
  return entryList<Entry>(config, description, {
    fields: 'a user has the fields user_id and expires_at',
    name: 'expires_at',
    wrong: (time) => wrongExpiry(time, now()),
    schema: { type: 'string', format: 'date-time' },
  });
}
