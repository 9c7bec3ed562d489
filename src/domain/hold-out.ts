/**
 * Decides which users of a campaign's audience are held out: not shown the campaign, so that its effect is measured.
 */
import { createHmac } from 'node:crypto';
import type { UserNumber } from '../lib/brands.ts';

/** The highest percentage of an audience that may be held out. With more, the smaller arm would be the treated one. */
export const MAXIMUM_HOLDOUT_PERCENT = 50;

/** Number of users whose words are in one digest. */
const USERS_PER_DIGEST = 8;
const WORD_BYTES = 4;

/**
 * A pseudo-random share of all users, drawn with the campaign's key: user u is held out if the word u mod 8 of
 * HMAC-SHA256(key, floor(u / 8)) is below `percent` % of 2^32. So a user's arm depends neither on the audience's
 * version and size nor on the user's score, and users who are held out at a percentage are held out at all higher ones.
 * The key is private, so that no log and no response can contain it.
 */
export class HoldOut {
  readonly percent: number;
  readonly #key: string;
  readonly #limit: number;
  readonly #message = Buffer.alloc(WORD_BYTES);
  /** The digest that was computed last, because neighbouring users are often asked about one after the other. */
  #digest = Buffer.alloc(0);
  #digestOf = -1;

  constructor(key: string, percent: number) {
    this.percent = percent;
    this.#key = key;
    this.#limit = (percent / 100) * 2 ** 32;
  }

  has(userNumber: UserNumber): boolean {
    const group = Math.floor(userNumber / USERS_PER_DIGEST);
    if (group !== this.#digestOf) {
      this.#message.writeUInt32LE(group);
      this.#digest = createHmac('sha256', this.#key).update(this.#message).digest();
      this.#digestOf = group;
    }
    return this.#digest.readUInt32LE(WORD_BYTES * (userNumber % USERS_PER_DIGEST)) < this.#limit;
  }
}

/** The users of an audience who are treated: the first `size` ranks, without the users who are held out. */
export interface Treated {
  /** The 0-based rank at which a cut of the ranking begins; 0 by default. */
  readonly from?: number;
  readonly size: number;
  /** `null` if nobody is held out. */
  readonly holdout: HoldOut | null;
}
