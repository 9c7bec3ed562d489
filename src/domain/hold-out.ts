/**
 * Decides which users of a campaign's audience are held out: not shown the campaign, so that its effect is measured.
 */
import { createHash } from 'node:crypto';
import type { UserNumber } from '../lib/brands.ts';
import { SipHash } from '../lib/sip-hash.ts';

/** The highest percentage of an audience that may be held out. With more, the smaller arm would be the treated one. */
export const MAXIMUM_HOLDOUT_PERCENT = 50;

/**
 * A pseudo-random share of all users, drawn with the campaign's key: a user is held out if the first four bytes of
 * SipHash-2-4 of the user number are below `percent` % of 2^32. The key of the hash is the SHA-256 hash of the
 * campaign's. So a user's arm depends neither on the audience's version and size nor on the user's score, and users who
 * are held out at a percentage are held out at all higher ones. The key is private, so that no log and no response can
 * contain it.
 */
export class HoldOut {
  readonly percent: number;
  readonly #hash: SipHash;
  readonly #limit: number;

  constructor(key: string, percent: number) {
    this.percent = percent;
    this.#hash = new SipHash(createHash('sha256').update(key).digest());
    this.#limit = (percent / 100) * 2 ** 32;
  }

  has(userNumber: UserNumber): boolean {
    return this.#hash.wordOf(userNumber) < this.#limit;
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
