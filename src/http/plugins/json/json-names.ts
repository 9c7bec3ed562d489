/**
 * Finds faults that `JSON.parse` accepts: a repeated name in an object (the last value wins silently), and an unpaired
 * surrogate, which would be stored as another character.
 */
import { AppError } from '../../../lib/errors.ts';
import { jsonPointer } from '../../../lib/json-pointer.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

export interface JsonFault {
  /** A JSON pointer (RFC 6901). */
  readonly pointer: string;
  readonly message: string;
}

/**
 * Returns the fault of a text that `JSON.parse` has read as `value`, or null. If the text has as many colons outside
 * strings as `value` has names, no name is repeated, and nothing is allocated.
 */
export function findJsonFault(text: string, value: unknown): JsonFault | null {
  if (text.includes('\\u') && ESCAPED_SURROGATE.test(text)) {
    const pointer = findIllFormed(value, '');
    if (pointer !== null) return { pointer, message: 'unpaired surrogates are not allowed' };
  }
  const names = countNames(value);
  if (countColons(text) === names || countPairs(text) === names) return null;
  return { pointer: new RepeatedName(text).find(), message: 'the name occurs twice in its object' };
}

/** @throws AppError invalid_request if `findJsonFault` finds a fault */
export function refuseJsonFault(text: string, value: unknown): void {
  const fault = findJsonFault(text, value);
  if (fault === null) return;
  const { pointer, message } = fault;
  throw new AppError('invalid_request', `the body is not valid: ${pointer || 'the value'}: ${message}`, {
    details: [{ pointer, message }],
  });
}

/** Text decoded from valid UTF-8 can have unpaired surrogates only as escapes. */
const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

function findIllFormed(value: unknown, pointer: string): string | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : pointer;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, field] of Object.entries(value)) {
    const at = pointer + jsonPointer(name);
    const found = name.isWellFormed() ? findIllFormed(field, at) : at;
    if (found !== null) return found;
  }
  return null;
}

function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countNames(item);
    return count;
  }
  const names = Object.keys(value);
  count = names.length;
  for (const name of names) {
    const field = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof field === 'object') count += countNames(field);
  }
  return count;
}

/**
 * Counts all colons, including colons in strings. This is faster than excluding them, and sufficient for most texts.
 */
function countColons(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) count += 1;
  return count;
}

/** Counts colons outside strings. Each name is followed by one such colon. */
function countPairs(text: string): number {
  let count = 0;
  let isText = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) isText = !isText;
    else if (code === BACKSLASH) i += 1;
    else if (code === COLON && !isText) count += 1;
  }
  return count;
}

/** Returns the index after the string that begins at index `quote`. */
function endOfString(text: string, quote: number): number {
  for (let i = quote + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}

/** Returns the pointer to the second occurrence of a repeated name. */
class RepeatedName {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  find(): string {
    return this.#value('') ?? '';
  }

  #value(pointer: string): string | null {
    this.#skip(/[\s]*/y);
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(pointer);
    if (first === '[') return this.#list(pointer);
    if (first === '"') this.#string();
    else this.#skip(/[^\s,\]}]*/y);
    return null;
  }

  #object(pointer: string): string | null {
    const names = new Set<string>();
    this.#at += 1;
    for (;;) {
      this.#skip(/[\s,]*/y);
      if (this.#text[this.#at] !== '"') break;
      const name = this.#string();
      const at = pointer + jsonPointer(name);
      if (names.has(name)) return at;
      names.add(name);
      this.#skip(/[\s:]*/y);
      const found = this.#value(at);
      if (found !== null) return found;
    }
    this.#at += 1;
    return null;
  }

  #list(pointer: string): string | null {
    this.#at += 1;
    for (let i = 0; ; i++) {
      this.#skip(/[\s,]*/y);
      if (this.#at >= this.#text.length || this.#text[this.#at] === ']') break;
      const found = this.#value(`${pointer}/${i}`);
      if (found !== null) return found;
    }
    this.#at += 1;
    return null;
  }

  #string(): string {
    const end = endOfString(this.#text, this.#at);
    const name = JSON.parse(this.#text.slice(this.#at, end)) as string;
    this.#at = end;
    return name;
  }

  #skip(characters: RegExp): void {
    characters.lastIndex = this.#at;
    characters.test(this.#text);
    this.#at = characters.lastIndex;
  }
}
