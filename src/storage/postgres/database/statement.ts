/** Statements with named parameters, and the texts that Postgres cannot store. */
import type pg from 'pg';
import { assert } from '../../../lib/errors.ts';

/** Bound values of a statement, by name. Lists become arrays of Postgres. */
export type Bound = Readonly<Record<string, unknown>>;

interface Compiled {
  /** The name under which each connection keeps the plan. */
  readonly name: string;
  readonly sql: string;
  /** The name of each parameter `$1`, `$2` and so on. */
  readonly names: readonly string[];
}

/** Maximum number of statements whose plans are kept. Statements are written in the code, so there are few. */
const MOST_COMPILED = 2_000;
const COMPILED = new Map<string, Compiled>();
let compiledSoFar = 0;
/** `@name`, but no operator such as `@>` and no part of an address. */
const PARAMETER = /(?<![\w@])@([A-Za-z_]\w*)/g;

/** The arguments of a query of `pg` for a text with parameters such as `@name`. */
export function bindNames(text: string, values: Bound = {}): pg.QueryConfig<unknown[]> {
  const { name, sql, names } = compiled(text);
  return {
    ...{ name, text: sql },
    values: names.map((name) => {
      const value = values[name];
      assert(value !== undefined, `parameter ${name} has a value`);
      return toStored(value);
    }),
  };
}

/** The arguments of a query of `pg` for a text of another program. The plan of a single statement is kept too. */
export function bindNumbers(text: string, values: readonly unknown[] = []): pg.QueryConfig<unknown[]> {
  const isSingle = !/;\s*\S/.test(text);
  return { text, values: [...values], ...(isSingle && { name: compiled(text).name }) };
}

/** The rows of a query of `pg`, whose result is a list if there are several statements. */
export function allRows(result: pg.QueryResult | readonly pg.QueryResult[]): { readonly rows: object[] } {
  return { rows: [result].flat().flatMap(({ rows }: pg.QueryResult) => rows) };
}

function compiled(text: string): Compiled {
  let found = COMPILED.get(text);
  if (found === undefined) {
    const names: string[] = [];
    const sql = text.replace(PARAMETER, (_, name: string) => {
      if (!names.includes(name)) names.push(name);
      return `$${names.indexOf(name) + 1}`;
    });
    compiledSoFar += 1;
    found = { name: `metaheac ${compiledSoFar}`, sql, names };
    if (COMPILED.size >= MOST_COMPILED) COMPILED.clear();
    COMPILED.set(text, found);
  }
  return found;
}

function toStored(value: unknown): unknown {
  if (typeof value === 'string') return escapeText(value);
  if (Array.isArray(value)) return value.map(toStored);
  assert(value === null || typeof value !== 'object' || ArrayBuffer.isView(value), 'an object is bound as JSON text');
  return value;
}

/**
 * Postgres stores every character but U+0000, which callers may send in names, labels and user ids. Such a text is
 * stored with an escape, and read back as it was sent. The escape is a code point that is no character.
 */
const ESCAPE = '\uFFFF';
const NUL = '\0';

function escapeText(text: string): string {
  if (!text.includes(NUL) && !text.includes(ESCAPE)) return text;
  return text.replaceAll(ESCAPE, `${ESCAPE}1`).replaceAll(NUL, `${ESCAPE}0`);
}

/** Reverses the escapes of a stored text. */
export function readText(stored: string): string {
  if (!stored.includes(ESCAPE)) return stored;
  return stored.replaceAll(`${ESCAPE}0`, NUL).replaceAll(`${ESCAPE}1`, ESCAPE);
}

/** Parses a stored JSON text. */
export function readJson(stored: string): unknown {
  if (!stored.includes(ESCAPE)) return JSON.parse(stored);
  // inside JSON, U+0000 is written as an escape of JSON
  return JSON.parse(stored.replaceAll(`${ESCAPE}0`, '\\u0000').replaceAll(`${ESCAPE}1`, ESCAPE));
}

/** What `JSON.stringify` writes for U+0000 and for half a surrogate pair, which JSON functions of Postgres refuse. */
const WRITTEN_NUL = /(?<!\\)((?:\\\\)*)\\u0000/g;
const WRITTEN_HALF = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/** The value for a JSON column; null and undefined are returned unchanged. Half a surrogate pair becomes U+FFFD. */
export function toJson(value: object | null | undefined): string | null | undefined {
  return value && fromWritten(JSON.stringify(value));
}

/** The stored form of a JSON text that `JSON.stringify` has written. */
export function fromWritten(text: string): string {
  return text.includes('\\u') ? halvesReplaced(text).replaceAll(WRITTEN_NUL, `$1${NUL}`) : text;
}

/** The JSON text that `JSON.stringify` would write for a stored JSON text, which was read as text. */
export function toWritten(stored: string): string {
  return stored.replaceAll(NUL, '\\u0000');
}

/** Replaces halves of surrogate pairs in a JSON text. */
export function halvesReplaced(text: string): string {
  return text.includes('\\u') ? text.replaceAll(WRITTEN_HALF, '$1\uFFFD') : text;
}
