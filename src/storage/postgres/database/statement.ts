/** Statements with named parameters, and the texts that Postgres cannot store. */
import type pg from 'pg';
import { assert } from '../../../lib/errors.ts';
import { Json } from '../../sql/json.ts';
import type { Bound } from '../../sql/sql.ts';

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
/** Matches `@name`, but not an operator such as `@>` or a part of an address. */
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
  if (value instanceof Json) return escapeText(fromWritten(value.text));
  if (Array.isArray(value)) return value.map(toStored);
  assert(value === null || typeof value !== 'object', 'an object is bound as JSON');
  return value;
}

/**
 * Postgres cannot store U+0000, but callers may send it in names, labels and user ids. It is stored as an escape and
 * converted back when it is read. The escape is a code point that is not a character.
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

/** The JSON text of a stored JSON value. */
export function readJsonText(stored: string): string {
  if (!stored.includes(ESCAPE)) return stored;
  // inside JSON, U+0000 is written as an escape of JSON
  return stored.replaceAll(`${ESCAPE}0`, '\\u0000').replaceAll(`${ESCAPE}1`, ESCAPE);
}

/**
 * Matches the escapes that `JSON.stringify` writes for U+0000 and for lone surrogates. Postgres's JSON functions refuse
 * them.
 */
const WRITTEN_NUL = /(?<!\\)((?:\\\\)*)\\u0000/g;
const WRITTEN_HALF = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/** The stored form of a JSON text that `JSON.stringify` has written. */
function fromWritten(text: string): string {
  return text.includes('\\u') ? halvesReplaced(text).replaceAll(WRITTEN_NUL, `$1${NUL}`) : text;
}

/** Replaces halves of surrogate pairs in a JSON text. */
export function halvesReplaced(text: string): string {
  return text.includes('\\u') ? text.replaceAll(WRITTEN_HALF, '$1\uFFFD') : text;
}
