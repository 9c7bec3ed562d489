/** Writes JSON as UTF-8, for responses of thousands of rows: ids are copied as bytes, so no string is made of them. */
import { decimalScore } from './decimal-score.ts';
import type { GatheredTexts } from './text-table.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const POINT = 0x2e;
/** Digits that are written at a time, as a number of 31 bits. */
const GROUP = 7;

/** The memory of all responses, one after the other, because new memory costs page faults. */
let shared = Buffer.alloc(0);

/** ASCII text that many rows share, eight bytes at a time. */
export interface JsonPart {
  readonly words: Float64Array;
  readonly length: number;
}

/** Prepares a text for `JsonBytes.part`. */
export function jsonPart(text: string): JsonPart {
  const bytes = Buffer.from(text.padEnd(8 * Math.ceil(text.length / 8)));
  const words = Float64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
  return { words, length: text.length };
}

const SCORE = jsonPart(',"score":');
const PERCENTILE = jsonPart(',"percentile":');
const END = 0x7d;

/** Must be used up before the next one is created. */
export class JsonBytes {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;

  /** For a row of less than 128 bytes for each id, and less than a kilobyte more. An escaped byte takes 6. */
  constructor(ids: GatheredTexts) {
    const most = 128 * (ids.ends.length + 8) + 6 * ids.bytes.length;
    if (shared.length < most) shared = Buffer.allocUnsafeSlow(most);
    this.#bytes = shared;
    this.#view = new DataView(shared.buffer, shared.byteOffset);
  }

  /** Adds ASCII text as it is. */
  add(text: string): this {
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
    return this;
  }

  /** Adds a text of `jsonPart`. */
  part({ words, length }: JsonPart): this {
    // what the last word has beyond the text is overwritten
    for (let i = 0; i < words.length; i++) this.#view.setFloat64(this.#at + 8 * i, words[i]!, true);
    this.#at += length;
    return this;
  }

  /** Adds a whole number from 0 to 2 ** 31 - 1. */
  whole(value: number): this {
    let digits = 1;
    for (let most = 10; most <= value; most *= 10) digits++;
    return this.#digits(value, digits);
  }

  /** Adds the id in `from .. to` as a JSON string. */
  quote(ids: Uint8Array, from: number, to: number): this {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let i = from; i < to; i++) {
      const byte = ids[i]!;
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
        this.#at += bytes.write(JSON.stringify(Buffer.from(ids.subarray(from, to)).toString()), this.#at);
        return this;
      }
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
    return this;
  }

  /** Adds the last fields of a member, and the end of its object. */
  endMember(score: number, percentile: number): this {
    this.part(SCORE).#score(score);
    this.part(PERCENTILE).#percentile(percentile);
    this.#bytes[this.#at++] = END;
    return this;
  }

  /** Adds `decimalScore(score)`. */
  #score(score: number): this {
    if (score >= 1e-6 && score < 1)
      for (let scale = 1e7, digits = 7; digits <= 9; scale *= 10, digits++) {
        const decimals = Math.round(score * scale);
        if (Math.fround(decimals / scale) === score) return this.#decimal(0, decimals, digits);
      }
    return this.add(`${decimalScore(score)}`);
  }

  /** Adds the shortest decimal number that identifies a percentile: 16 digits identify any number from 64 to 100. */
  #percentile(percentile: number): this {
    if (percentile >= 64 && percentile < 100) {
      const whole = Math.floor(percentile);
      const short = Math.round(percentile * 1e13);
      if (short / 1e13 === percentile) return this.#decimal(whole, short - whole * 1e13, 13);
      const exact = (percentile - whole) * 1e14;
      const decimals = Math.round(exact);
      // the product is rounded: near a half, the nearest whole number is unknown
      if (Math.abs(exact - decimals) < 0.49) return this.#decimal(whole, decimals, 14);
    }
    return this.add(`${percentile}`);
  }

  /** Adds a number with some decimals, at most 14, without the zeros at its end. */
  #decimal(whole: number, decimals: number, digits: number): this {
    this.whole(whole);
    const bytes = this.#bytes;
    bytes[this.#at++] = POINT;
    const high = digits > GROUP ? Math.floor(decimals / 1e7) : 0;
    if (digits > GROUP) this.#digits(high, digits - GROUP);
    this.#digits(decimals - high * 1e7, Math.min(digits, GROUP));
    while (bytes[this.#at - 1] === ZERO) this.#at--;
    if (bytes[this.#at - 1] === POINT) this.#at--;
    return this;
  }

  /** Adds a whole number below 2 ** 31 with this number of digits. */
  #digits(value: number, digits: number): this {
    const bytes = this.#bytes;
    let rest = value | 0;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = ZERO + rest - 10 * next;
      rest = next;
    }
    this.#at += digits;
    return this;
  }

  /** The bytes added, in new memory. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }
}
