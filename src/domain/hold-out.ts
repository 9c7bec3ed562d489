/**
 * Decides which users of a campaign's audience are held out. They are not shown the campaign, so that its effect can be
 * measured.
 */
import { createHash } from 'node:crypto';
import type { UserNumber } from '../lib/brands.ts';
import { SipHash } from '../lib/sip-hash.ts';

/** Maximum percentage of an audience that may be held out. Above it, the treated arm would be the smaller one. */
export const MAXIMUM_HOLDOUT_PERCENT = 50;

/**
 * A pseudo-random share of all users. A user is held out if the first four bytes of SipHash-2-4 of the user number are
 * below `percent` % of 2^32. The hash key is the SHA-256 hash of the campaign's key. So a user's arm does not depend on
 * the version or size of the audience, or on the user's score, and users who are held out at one percentage are also
 * held out at every higher one. The key is a private field, so no log or response can contain it.
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

/** The treated users of an audience: the first `size` ranks without held-out users. */
export interface Treated {
  /** The 0-based rank at which a cut begins; 0 by default. */
  readonly from?: number;
  readonly size: number;
  /** `null` if nobody is held out. */
  readonly holdout: HoldOut | null;
}
