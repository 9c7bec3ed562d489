/**
 * Implements the port of distributed expansions with Postgres. A range's state is one JSON value, which the rules of
 * the domain change while its row is locked. Announcements wake the engines.
 */
import {
  type OfferState,
  partFolders,
  type RangeClaim,
  type RangeOffer,
  type RangeWork,
  rangeName,
  type StaleOffer,
} from '../../../domain/ports/ranges.ts';
import type { RangeChoice } from '../../../domain/range-choice.ts';
import { countRanges } from '../../../domain/range-counts.ts';
import {
  claimable,
  decideRange,
  isClaimable,
  isSuspect,
  NEW_RANGE,
  type RangeCommand,
  type RangeResult,
  type RangeState,
  rangeAgain,
  rangeAt,
  type SegmentRange,
} from '../../../domain/ranges.ts';
import type { Job, Reason } from '../../../domain/types.ts';
import { insertRow } from '../../sql/columns.ts';
import type { StoreDependencies } from '../../sql/dependencies.ts';
import { toJson } from '../../sql/json.ts';
import type { Transaction } from '../../sql/sql.ts';
import {
  type Claimant,
  claimableOffers,
  claimOf,
  findOffer,
  HELD_JOB,
  hasOpenRanges,
  insertRanges,
  isHeld,
  liveRanges,
  lockClaimable,
  type OfferRow,
  type RangeRow,
  rangesHeldBy,
  rangesOf,
  staleOffers,
} from './range-rows.ts';

const TOPIC = 'ranges';

export class RangeRepository implements RangeWork {
  readonly #dependencies: StoreDependencies;

  constructor(dependencies: StoreDependencies) {
    this.#dependencies = dependencies;
  }

  offer(job: Job, { ranges, ...inputs }: RangeOffer): Promise<boolean> {
    return this.#write(async (t) => {
      if (!(await isHeld(t, job))) return false;
      const { campaignId, expansionId, id, token } = job;
      await t.run('UPDATE range_offers SET is_replaced = true WHERE job = @id', { id });
      const { folder, key, golden, modelVersion, populationVersion } = inputs;
      const offer = await insertRow(t, 'range_offers', {
        campaign_id: campaignId,
        expansion_id: expansionId,
        job: id,
        token,
        folder,
        key,
        golden,
        model_version: modelVersion,
        population_version: populationVersion,
      });
      const [from, to] = [ranges.map((range) => range.from), ranges.map((range) => range.to)];
      await insertRanges(t, offer, { from, to, state: toJson(NEW_RANGE) });
      t.announce(TOPIC);
      return true;
    });
  }

  resume(job: Job, key: string, ranges: readonly SegmentRange[]): Promise<OfferState | null> {
    return this.#write(async (t) => {
      if (!(await isHeld(t, job))) return null;
      const found = await findOffer(t, job.id);
      if (found === undefined || found.key !== key) return null;
      const rows = await rangesOf(t, found.offer, 'FOR UPDATE');
      const isSame = (row: SegmentRange, i: number) => row.from === ranges[i]?.from && row.to === ranges[i]?.to;
      if (rows.length !== ranges.length || !rows.every(isSame)) return null;
      const { offer } = found;
      await t.run('UPDATE range_offers SET token = @token WHERE number = @offer', { offer, token: job.token });
      const again = rows.map((row) => ({ ...row, state: rangeAgain(row.state, this.#rules) }));
      for (const [i, { number, state }] of again.entries())
        if (state !== rows[i]!.state) await this.#save(t, { offer, number }, state);
      t.announce(TOPIC);
      return this.#shown(found, again);
    });
  }

  async stateOf(job: Job): Promise<OfferState | null> {
    const { database } = this.#dependencies;
    const { id, owner, token } = job;
    const held = `WHERE ${HELD_JOB} AND o.token = @token ORDER BY r.number`;
    const rows = await liveRanges(database, held, { id, owner, token });
    return rows.length === 0 ? null : this.#shown(rows[0]!, rows);
  }

  double(job: Job, numbers: readonly number[]): Promise<boolean> {
    return this.#write(async (t) => {
      if (!(await isHeld(t, job))) return false;
      const found = await findOffer(t, job.id);
      if (found === undefined) return false;
      for (const row of await rangesOf(t, found.offer, 'FOR UPDATE')) {
        const doubled = numbers.includes(row.number) && this.#decide(row.state, { kind: 'double' });
        if (doubled) await this.#save(t, { offer: found.offer, number: row.number }, doubled);
      }
      t.announce(TOPIC);
      return true;
    });
  }

  async claim(choice: RangeChoice): Promise<readonly RangeClaim[]> {
    // an idle engine polls often, and a read takes no lock
    const offers = await claimableOffers(this.#dependencies.database, this.#claimant(choice), null);
    if (offers.length === 0) return [];
    return this.#write(async (t) => {
      const [first] = await this.#take(t, choice, offers, 1, null);
      if (first === undefined) return [];
      // later claims find offers that were added since then
      const hasOthers = choice.most > 1 && offers.length > 1 && !isSuspect(first.row.state);
      const alike = hasOthers ? await claimableOffers(t, this.#claimant(choice), first.row) : [];
      const others = await this.#take(t, choice, alike, choice.most - 1, first.row);
      return [first, ...others].map(({ row, token }) => claimOf(row, choice.owner, token));
    });
  }

  renew(claims: readonly RangeClaim[]): Promise<readonly RangeClaim[]> {
    return this.#write(async (t) => {
      const rows = await this.#heldRows(t, claims);
      const renewed: RangeClaim[] = [];
      for (const claim of claims) {
        const row = rows.get(rangeName(claim));
        const state = row && this.#decide(row.state, { kind: 'renew', token: claim.token });
        if (!row || !state) continue;
        await this.#save(t, row, state);
        renewed.push(claim);
      }
      return renewed;
    });
  }

  finish(claim: RangeClaim, result: RangeResult): Promise<boolean> {
    return this.#command(claim, { kind: 'finish', token: claim.token, result });
  }

  fail(claim: RangeClaim, reason: Reason, delayMs: number): Promise<boolean> {
    return this.#command(claim, { kind: 'fail', token: claim.token, reason, delayMs });
  }

  async refuse(claims: readonly RangeClaim[]): Promise<void> {
    for (const claim of claims) await this.#command(claim, { kind: 'refuse', token: claim.token });
  }

  release(owner: string, how: 'died' | 'stopped', working?: ReadonlySet<string>): Promise<number> {
    return this.#write(async (t) => {
      const own = await rangesHeldBy(t, owner);
      for (const row of own) {
        const isCharged = how === 'died' && (working?.has(rangeName(row)) ?? true);
        const release = { kind: 'release', owner, how: isCharged ? 'died' : 'stopped' } as const;
        await this.#save(t, row, this.#decide(row.state, release)!);
      }
      if (own.length > 0) t.announce(TOPIC);
      return own.length;
    });
  }

  listen(listener: () => void): void {
    this.#dependencies.database.listen(TOPIC, listener);
  }

  async counts(): Promise<ReturnType<typeof countRanges>> {
    const rows = await liveRanges(this.#dependencies.database, '');
    return countRanges(
      rows.map(({ state }) => state),
      this.#rules,
    );
  }

  async stale(): Promise<readonly StaleOffer[]> {
    const { database } = this.#dependencies;
    const offers = await staleOffers(database);
    return Promise.all(
      offers.map(async ({ offer, folder }) => {
        const ranges = await rangesOf(database, offer);
        return { folder, parts: partFolders({ folder, ranges }) };
      }),
    );
  }

  async forget({ folder }: StaleOffer): Promise<void> {
    await this.#write((t) => t.run('DELETE FROM range_offers WHERE folder = @folder', { folder }));
  }

  /**
   * Claims up to `most` ranges, each of a different offer; with `first`, only ranges with the same segments and
   * versions.
   */
  async #take(
    t: Transaction,
    choice: RangeChoice,
    offers: readonly OfferRow[],
    most: number,
    first: RangeRow | null,
  ): Promise<readonly { readonly row: RangeRow; readonly token: number }[]> {
    const claimant = this.#claimant(choice);
    const taken: { row: RangeRow; token: number }[] = [];
    for (const offer of offers) {
      if (taken.length === most) break;
      for (let isTaken = false; !isTaken; ) {
        const range = await lockClaimable(t, offer, claimant, first);
        if (range === undefined || (first !== null && isSuspect(range.state))) break;
        // leases that have expired may leave a range without attempts, or one that this engine is working on
        isTaken = isClaimable(range.state, choice.owner, this.#rules, claimant.now);
        const claim = { kind: 'claim', owner: choice.owner } as const;
        const state = isTaken ? this.#decide(range.state, claim, claimant.now)! : rangeAt(range.state, claimant.now);
        await this.#save(t, { offer: offer.offer, number: range.number }, state);
        if (isTaken) taken.push({ row: { ...offer, ...range }, token: state.token });
      }
    }
    return taken;
  }

  /** Runs a command about a claim, if its offer is live. */
  #command(claim: RangeClaim, command: RangeCommand): Promise<boolean> {
    return this.#write(async (t) => {
      const row = (await this.#heldRows(t, [claim])).get(rangeName(claim));
      const state = row && this.#decide(row.state, command);
      if (!row || !state) return false;
      await this.#save(t, row, state);
      if (command.kind !== 'finish' || !(await hasOpenRanges(t, row.offer))) t.announce(TOPIC);
      return true;
    });
  }

  /** The rows of claims whose offers are live, locked. */
  async #heldRows(t: Transaction, claims: readonly RangeClaim[]): Promise<ReadonlyMap<string, RangeRow>> {
    const those = `JOIN unnest(@folders::text[], @numbers::bigint[]) AS c (folder, number)
      ON c.folder = o.folder AND c.number = r.number ORDER BY r.offer, r.number FOR UPDATE OF r`;
    const folders = claims.map(({ folder }) => folder);
    const rows = await liveRanges(t, those, { folders, numbers: claims.map(({ number }) => number) });
    return new Map(rows.map((row) => [rangeName(row), row]));
  }

  #decide(state: RangeState, command: RangeCommand, now = this.#now()): RangeState | null {
    return decideRange(state, command, this.#rules, now);
  }

  async #save(t: Transaction, row: Pick<RangeRow, 'offer' | 'number'>, state: RangeState): Promise<void> {
    const { offer, number } = row;
    await t.run(
      `UPDATE ranges SET state = @state, claimable_from = @from, own = @own, own_from = @ownFrom
       WHERE offer = @offer AND number = @number`,
      { offer, number, state: toJson(state), ...claimable(state, this.#rules) },
    );
  }

  #shown(inputs: OfferRow, rows: readonly Omit<RangeRow, keyof OfferRow>[]): OfferState {
    const { folder, key, golden, modelVersion, populationVersion } = inputs;
    const now = this.#now();
    const ranges = rows.map(({ from, to, state }) => ({ from, to, state: rangeAt(state, now) }));
    return { folder, key, golden, modelVersion, populationVersion, ranges };
  }

  /** Each statement sees the newest commits; rows that a decision depends on are locked. */
  #write<T>(work: (t: Transaction) => Promise<T>): Promise<T> {
    return this.#dependencies.database.write(work, 'readCommitted');
  }

  get #rules() {
    return this.#dependencies.options;
  }

  #claimant({ owner, refused }: RangeChoice): Claimant {
    return { engine: owner, refused, now: this.#now() };
  }

  #now(): number {
    return this.#dependencies.options.clock.now();
  }
}
