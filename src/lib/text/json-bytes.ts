/** Writes JSON as UTF-8, for responses of thousands of rows: ids are copied as bytes, so no string is made of them. */
import { decimalScore } from './decimal-score.ts';
import type { GatheredTexts } from './text-table.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Number of characters from which on a call of native code is faster than a loop. */
const LONG = 12;

/** The memory of all responses, one after the other, because new memory costs page faults. */
let shared = Buffer.alloc(0);

/** Must be used up before the next one is created. */
export class JsonBytes {
  readonly #bytes: Buffer;
  #at = 0;

  /** For a row of less than 128 bytes for each id, and less than a kilobyte more. An escaped byte takes 6. */
  constructor(ids: GatheredTexts) {
    const most = 128 * (ids.ends.length + 8) + 6 * ids.bytes.length;
    if (shared.length < most) shared = Buffer.allocUnsafeSlow(most);
    this.#bytes = shared;
  }

  /** Adds ASCII text as it is. */
  add(text: string): this {
    const bytes = this.#bytes;
    let at = this.#at;
    if (text.length >= LONG) at += bytes.write(text, at, 'latin1');
    else for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
    return this;
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
    return this.add(',"score":')
      .add(`${decimalScore(score)}`)
      .add(',"percentile":')
      .add(`${percentile}`)
      .add('}');
  }

  /** The bytes added, in new memory. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }
}
