/**
 * Finds the values in a line of NDJSON as bytes, without creating an object for the line or a JavaScript string for a
 * value. The scanner reads only usual lines, which are objects whose values are strings without escapes, numbers, true,
 * false, null, or lists of strings or of numbers. Any other line is left to JSON.parse. A line that the scanner reads
 * is valid JSON, and JSON.parse would return the same values.
 */
import type { Utf8 } from '../kinds/tokens.ts';

/** The kinds of values that a line may have under a key. */
export const [ABSENT, NULL, TEXT, TEXTS, OTHER] = [0, 1, 2, 3, 4] as const;

const [TAB, RETURN, SPACE, QUOTE, COMMA, COLON] = [0x09, 0x0d, 0x20, 0x22, 0x2c, 0x3a] as const;
const [OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5c, 0x5d, 0x7b, 0x7d] as const;
const [PLUS, MINUS, POINT, ZERO, NINE, SMALL_E] = [0x2b, 0x2d, 0x2e, 0x30, 0x39, 0x65] as const;
const LETTER_CASE = 0x20;
const [NULL_WORD, OTHER_WORDS] = [Buffer.from('null'), [Buffer.from('true'), Buffer.from('false')]] as const;
const UNUSUAL = -1;
/** Number of positions at which a key is expected. */
const EXPECTED_KEYS = 1024;

export class JsonScanner {
  /** For each key, the kind of its value in the last line. */
  readonly kinds: Uint8Array;
  /**
   * For each key, the range of its value: the bytes of a string without its quotes, the items of a list of strings, or
   * the bytes of any other value.
   */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  #bytes: Buffer = Buffer.alloc(0);
  /** The start and the end of each string in the line's lists. */
  #items = new Uint32Array(1024);
  #usedItems = 0;
  readonly #indexes: ReadonlyMap<string, number>;
  /** The latest key at each position of a line, because most lines have the same keys in the same order. */
  readonly #order: { readonly key: Buffer; readonly index: number }[] = [];

  /** `keys` are distinct. */
  constructor(keys: readonly string[]) {
    this.#indexes = new Map(keys.map((key, index) => [key, index]));
    // the last entry is for all other keys
    this.kinds = new Uint8Array(keys.length + 1);
    this.starts = new Uint32Array(keys.length + 1);
    this.ends = new Uint32Array(keys.length + 1);
  }

  /** Reads the line `bytes[start .. end)`; returns false if the line is unusual. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#usedItems = 0;
    this.kinds.fill(ABSENT);
    let at = skipSpace(bytes, start);
    if (bytes[at] !== OPEN_OBJECT) return false;
    for (let position = 0; ; position++) {
      const key = skipSpace(bytes, at + 1);
      const keyEnd = bytes[key] === QUOTE ? endOfText(bytes, key + 1) : UNUSUAL;
      if (keyEnd === UNUSUAL) return false;
      at = skipSpace(bytes, keyEnd + 1);
      if (bytes[at] !== COLON) return false;
      at = this.#scanValue(this.#indexOf(key + 1, keyEnd, position), skipSpace(bytes, at + 1));
      if (at === UNUSUAL) return false;
      at = skipSpace(bytes, at);
      if (bytes[at] === CLOSE_OBJECT) break;
      if (bytes[at] !== COMMA) return false;
    }
    return skipSpace(bytes, at + 1) === end;
  }

  /** Points `text` at the string under a key. */
  seekText(text: Seekable, key: number): void {
    text.bytes = this.#bytes;
    text.start = this.starts[key]!;
    text.length = this.ends[key]! - text.start;
  }

  /** Points `text` at an item of a list of strings. */
  seekItem(text: Seekable, item: number): void {
    text.bytes = this.#bytes;
    text.start = this.#items[2 * item]!;
    text.length = this.#items[2 * item + 1]! - text.start;
  }

  /** Parses a value that is not text. */
  parse(key: number): unknown {
    return JSON.parse(this.#bytes.toString('latin1', this.starts[key]!, this.ends[key]!));
  }

  /** The index of a key. All keys that are not wanted share the last index. */
  #indexOf(start: number, end: number, position: number): number {
    const expected = this.#order[position];
    if (expected !== undefined && isEqual(expected.key, this.#bytes, start, end)) return expected.index;
    const key = this.#bytes.toString('utf8', start, end);
    const index = this.#indexes.get(key) ?? this.#indexes.size;
    if (position < EXPECTED_KEYS) this.#order[position] = { key: Buffer.from(key), index };
    return index;
  }

  /** Returns the end of the value. */
  #scanValue(key: number, start: number): number {
    const isRepeated = this.kinds[key] !== ABSENT && key < this.#indexes.size;
    if (isRepeated) return UNUSUAL;
    const bytes = this.#bytes;
    if (bytes[start] === QUOTE) {
      const end = endOfText(bytes, start + 1);
      this.#set(key, TEXT, start + 1, end);
      return end === UNUSUAL ? UNUSUAL : end + 1;
    }
    if (bytes[start] === OPEN_LIST) return this.#scanList(key, start);
    const isNull = isWord(NULL_WORD, bytes, start);
    const end = isNull ? start + NULL_WORD.length : endOfOther(bytes, start);
    this.#set(key, isNull ? NULL : OTHER, start, end);
    return end;
  }

  #scanList(key: number, start: number): number {
    const bytes = this.#bytes;
    const firstItem = this.#usedItems;
    let at = skipSpace(bytes, start + 1);
    const isTexts = bytes[at] === QUOTE || bytes[at] === CLOSE_LIST;
    while (bytes[at] !== CLOSE_LIST) {
      const end = isTexts ? this.#scanItem(at) : endOfOther(bytes, at);
      if (end === UNUSUAL) return UNUSUAL;
      at = skipSpace(bytes, end);
      if (bytes[at] === CLOSE_LIST) break;
      if (bytes[at] !== COMMA) return UNUSUAL;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] === CLOSE_LIST) return UNUSUAL;
    }
    if (isTexts) this.#set(key, TEXTS, firstItem, this.#usedItems);
    else this.#set(key, OTHER, start, at + 1);
    return at + 1;
  }

  #scanItem(start: number): number {
    const end = this.#bytes[start] === QUOTE ? endOfText(this.#bytes, start + 1) : UNUSUAL;
    if (end === UNUSUAL) return UNUSUAL;
    if (2 * this.#usedItems === this.#items.length) {
      const grown = new Uint32Array(2 * this.#items.length);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[2 * this.#usedItems] = start + 1;
    this.#items[2 * this.#usedItems + 1] = end;
    this.#usedItems += 1;
    return end + 1;
  }

  #set(key: number, kind: number, start: number, end: number): void {
    this.kinds[key] = kind;
    this.starts[key] = start;
    this.ends[key] = end;
  }
}

/** A string in the bytes of a scanner. `seekText` and `seekItem` point this object at another string. */
export class Seekable implements Utf8 {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === RETURN) at += 1;
  return at;
}

/** The position of a string's closing quote; UNUSUAL if the string has an escape or does not end in the line. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte < SPACE) return UNUSUAL;
  }
  return UNUSUAL;
}

/** The end of a number, true or false. */
function endOfOther(bytes: Uint8Array, start: number): number {
  const word = OTHER_WORDS.find((other) => isWord(other, bytes, start));
  return word === undefined ? endOfNumber(bytes, start) : start + word.length;
}

/** The end of a number (RFC 8259, section 6). */
function endOfNumber(bytes: Uint8Array, start: number): number {
  const whole = bytes[start] === MINUS ? start + 1 : start;
  let end = bytes[whole] === ZERO ? whole + 1 : endOfDigits(bytes, whole);
  if (end !== UNUSUAL && bytes[end] === POINT) end = endOfDigits(bytes, end + 1);
  if (end === UNUSUAL || (bytes[end]! | LETTER_CASE) !== SMALL_E) return end;
  const hasSign = bytes[end + 1] === PLUS || bytes[end + 1] === MINUS;
  return endOfDigits(bytes, hasSign ? end + 2 : end + 1);
}

/** The end of at least one digit. */
function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at]! >= ZERO && bytes[at]! <= NINE) at += 1;
  return at === start ? UNUSUAL : at;
}

function isWord(word: Uint8Array, bytes: Uint8Array, start: number): boolean {
  return isEqual(word, bytes, start, start + word.length);
}

function isEqual(word: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (word[i] !== bytes[start + i]) return false;
  return true;
}
