/** Distributed expansions in memory, beside a store that has none: engines of one process share it in tests. */
import {
  type OfferState,
  partFolders,
  type RangeClaim,
  type RangeOffer,
  type RangeWork,
  rangeName,
  type StaleOffer,
} from '../../../src/domain/ports/ranges.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { chooseRanges, type RangeChoice } from '../../../src/domain/range-choice.ts';
import { countRanges } from '../../../src/domain/range-counts.ts';
import {
  decideRange,
  NEW_RANGE,
  type RangeCommand,
  type RangeResult,
  type RangeRules,
  type RangeState,
  rangeAgain,
  rangeAt,
  type SegmentRange,
} from '../../../src/domain/ranges.ts';
import { isEnd } from '../../../src/domain/states.ts';
import type { Job, Reason } from '../../../src/domain/types.ts';
import type { Clock } from '../../../src/lib/clock.ts';

type OwnOffer = OfferState & {
  job: Job;
  isReplaced: boolean;
  readonly ranges: (SegmentRange & { state: RangeState })[];
};

export class MemoryRanges implements RangeWork {
  readonly #store: Pick<CampaignStore, 'isHeld' | 'expansion'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #rules: RangeRules;
  #offers: OwnOffer[] = [];
  readonly #listeners: (() => void)[] = [];

  constructor(store: Pick<CampaignStore, 'isHeld' | 'expansion'>, clock: Pick<Clock, 'now'>, rules: RangeRules) {
    this.#store = store;
    this.#clock = clock;
    this.#rules = rules;
  }

  async offer(job: Job, { ranges, ...inputs }: RangeOffer): Promise<boolean> {
    if (!(await this.#store.isHeld(job))) return false;
    for (const offer of this.#offers) if (offer.job.expansionId === job.expansionId) offer.isReplaced = true;
    const states = ranges.map((range) => ({ ...range, state: NEW_RANGE }));
    this.#offers.push({ ...inputs, job, isReplaced: false, ranges: states });
    this.#tell();
    return true;
  }

  async resume(job: Job, key: string, ranges: readonly SegmentRange[]): Promise<OfferState | null> {
    const offer = this.#offerOf(job);
    if (!offer || !(await this.#store.isHeld(job)) || offer.key !== key) return null;
    const isSame = (one: SegmentRange, i: number) => one.from === ranges[i]?.from && one.to === ranges[i]?.to;
    if (offer.ranges.length !== ranges.length || !offer.ranges.every(isSame)) return null;
    offer.job = job;
    for (const range of offer.ranges) range.state = rangeAgain(range.state, this.#rules);
    this.#tell();
    return this.#shown(offer);
  }

  async stateOf(job: Job): Promise<OfferState | null> {
    const offer = this.#offerOf(job);
    return offer && offer.job.token === job.token && (await this.#store.isHeld(job)) ? this.#shown(offer) : null;
  }

  async double(job: Job, numbers: readonly number[]): Promise<boolean> {
    const offer = this.#offerOf(job);
    if (!offer || !(await this.#store.isHeld(job))) return false;
    for (const number of numbers) this.#decide(offer, number, { kind: 'double' });
    return true;
  }

  async claim(choice: RangeChoice): Promise<readonly RangeClaim[]> {
    const live: OwnOffer[] = [];
    for (const offer of this.#offers) if (await this.#isLive(offer)) live.push(offer);
    const { owner } = choice;
    const chosen = chooseRanges(live, choice, this.#rules, this.#clock.now());
    return chosen.map(([i, number]) => {
      const { job, ranges, isReplaced, ...inputs } = live[i]!;
      const { token } = this.#decide(live[i]!, number, { kind: 'claim', owner })!;
      const { expansionId, campaignId } = job;
      const { from, to } = ranges[number]!;
      return { ...inputs, expansionId, campaignId, number, range: { from, to }, owner, token };
    });
  }

  async renew(claims: readonly RangeClaim[]): Promise<readonly RangeClaim[]> {
    const isRenewed = await Promise.all(
      claims.map((claim) => this.#held(claim, { kind: 'renew', token: claim.token })),
    );
    return claims.filter((_, i) => isRenewed[i]);
  }

  finish(claim: RangeClaim, result: RangeResult): Promise<boolean> {
    return this.#held(claim, { kind: 'finish', token: claim.token, result });
  }

  fail(claim: RangeClaim, reason: Reason, delayMs: number): Promise<boolean> {
    return this.#held(claim, { kind: 'fail', token: claim.token, reason, delayMs });
  }

  async refuse(claims: readonly RangeClaim[]): Promise<void> {
    for (const claim of claims) await this.#held(claim, { kind: 'refuse', token: claim.token });
  }

  async release(owner: string, how: 'died' | 'stopped', working?: ReadonlySet<string>): Promise<number> {
    let released = 0;
    for (const offer of this.#offers)
      for (const [number, { state }] of offer.ranges.entries()) {
        if (!state.holders.some((holder) => holder.owner === owner)) continue;
        const isCharged = how === 'died' && (working?.has(rangeName({ folder: offer.folder, number })) ?? true);
        this.#decide(offer, number, { kind: 'release', owner, how: isCharged ? 'died' : 'stopped' });
        released += 1;
      }
    return released;
  }

  listen(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async counts(): Promise<ReturnType<typeof countRanges>> {
    const live = this.#offers.filter(({ isReplaced }) => !isReplaced);
    return countRanges(
      live.flatMap(({ ranges }) => ranges.map(({ state }) => state)),
      this.#rules,
    );
  }

  async stale(): Promise<readonly StaleOffer[]> {
    const stale: StaleOffer[] = [];
    for (const offer of this.#offers)
      if (!(await this.#isLive(offer))) stale.push({ folder: offer.folder, parts: partFolders(offer) });
    return stale;
  }

  async forget({ folder }: StaleOffer): Promise<void> {
    this.#offers = this.#offers.filter((offer) => offer.folder !== folder);
  }

  async #held({ folder, number }: RangeClaim, command: RangeCommand): Promise<boolean> {
    const offer = this.#offers.find((offer) => offer.folder === folder);
    if (offer === undefined || !(await this.#isLive(offer))) return false;
    return this.#decide(offer, number, command) !== null;
  }

  #decide(offer: OwnOffer, number: number, command: RangeCommand): RangeState | null {
    const range = offer.ranges[number]!;
    const state = decideRange(range.state, command, this.#rules, this.#clock.now());
    if (state !== null) range.state = state;
    if (command.kind !== 'renew' && command.kind !== 'claim') this.#tell();
    return state;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #offerOf({ expansionId }: Job): OwnOffer | undefined {
    return this.#offers.find((offer) => offer.job.expansionId === expansionId && !offer.isReplaced);
  }

  /** Whether the expansion has not ended and still uses this offer. */
  async #isLive({ job: { campaignId, expansionId }, isReplaced }: OwnOffer): Promise<boolean> {
    if (isReplaced) return false;
    try {
      return !isEnd((await this.#store.expansion(campaignId, expansionId)).state);
    } catch {
      return false; // deleted
    }
  }

  #shown({ job, isReplaced, ranges, ...inputs }: OwnOffer): OfferState {
    const now = this.#clock.now();
    return { ...inputs, ranges: ranges.map((range) => ({ ...range, state: rangeAt(range.state, now) })) };
  }
}
