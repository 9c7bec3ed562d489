/** Rows of offers and ranges. */
import type { RangeClaim, RangeInputs } from '../../../domain/ports/ranges.ts';
import type { RangeState, SegmentRange } from '../../../domain/ranges.ts';
import type { Job } from '../../../domain/types.ts';
import { json, plain, readRow, selectList } from '../../sql/columns.ts';
import type { Json } from '../../sql/json.ts';
import type { Bound, Sql, Transaction } from '../../sql/sql.ts';

const OFFER = {
  offer: plain<number>('o.number'),
  campaignId: plain<string>('o.campaign_id'),
  expansionId: plain<string>('o.expansion_id'),
  folder: plain<string>('o.folder'),
  key: plain<string>('o.key'),
  golden: plain<string>('o.golden'),
  modelVersion: plain<string>('o.model_version'),
  populationVersion: plain<string>('o.population_version'),
};
const RANGE = {
  number: plain<number>('r.number'),
  from: plain<number>('r.from_segment'),
  to: plain<number>('r.to_segment'),
  state: json<RangeState>('r.state'),
};
const BOTH = { ...OFFER, ...RANGE };

export interface OfferRow extends RangeInputs {
  readonly offer: number;
  readonly campaignId: string;
  readonly expansionId: string;
}
/** A range with its offer. */
export type RangeRow = OfferRow & SegmentRange & { readonly number: number; readonly state: RangeState };

/** Offers that were not replaced and whose expansion has not ended. */
const LIVE = 'range_offers o JOIN jobs j ON j.id = o.job AND NOT o.is_replaced';
/** Whether a claim of a job is valid. */
export const HELD_JOB = 'j.id = @id AND j.owner = @owner AND j.token = @token';
/** Condition for ranges that an engine may claim, as far as columns can express it. */
const CLAIMABLE = 'r.claimable_from <= @now AND (r.own IS DISTINCT FROM @engine OR r.own_from <= @now)';
/** Maximum number of offers that one claim considers. */
const OFFERS_AT_ONCE = 50;

/** The claiming engine, the golden batches that it refuses, and the time. */
export interface Claimant {
  readonly engine: string;
  readonly refused: readonly string[];
  readonly now: number;
}

/** The range whose segments and versions the ranges of other offers must share. */
export type FirstRange = Pick<RangeRow, 'offer' | 'from' | 'to' | 'modelVersion' | 'populationVersion'>;

/** Whether a claim of a job is valid. Its row is locked, so the claim stays valid until the commit. */
export async function isHeld(t: Transaction, { id, owner, token }: Job): Promise<boolean> {
  return (await t.get(`SELECT 1 FROM jobs j WHERE ${HELD_JOB} FOR SHARE`, { id, owner, token })) !== undefined;
}

export async function findOffer(t: Transaction, id: string): Promise<OfferRow | undefined> {
  const text = `SELECT ${selectList(OFFER)} FROM range_offers o WHERE o.job = @id AND NOT o.is_replaced FOR UPDATE`;
  const row = await t.get(text, { id });
  return row && readRow(OFFER, row);
}

export async function rangesOf(sql: Sql, offer: number, lock = ''): Promise<Omit<RangeRow, keyof OfferRow>[]> {
  const text = `SELECT ${selectList(RANGE)} FROM ranges r WHERE r.offer = @offer ORDER BY r.number ${lock}`;
  return (await sql.all(text, { offer })).map((row) => readRow(RANGE, row));
}

export function claimOf(row: RangeRow, owner: string, token: number): RangeClaim {
  const { offer: _, from, to, state: __, number, ...inputs } = row;
  return { ...inputs, number, range: { from, to }, owner, token };
}

/** Ranges of live offers. `rest` begins with further joins or the condition. */
export async function liveRanges(sql: Sql, rest: string, values: Bound = {}): Promise<RangeRow[]> {
  const text = `SELECT ${selectList(BOTH)} FROM ${LIVE} JOIN ranges r ON r.offer = o.number ${rest}`;
  return (await sql.all(text, values)).map((row) => readRow(BOTH, row));
}

/**
 * Offers with a claimable range, in queue order. With `first`, only other offers for the same segments and versions.
 * Each offer is looked up separately, because together they may have many thousands of ranges.
 */
export async function claimableOffers(sql: Sql, claimant: Claimant, first: FirstRange | null): Promise<OfferRow[]> {
  const { offer, ...same } = first ?? {};
  const rows = await sql.all(
    `SELECT ${selectList(OFFER)} FROM ${LIVE}
     CROSS JOIN LATERAL (
       SELECT 1 FROM ranges r WHERE r.offer = o.number AND ${CLAIMABLE} ${first ? SAME_SEGMENTS : ''}
       ORDER BY r.from_segment LIMIT 1) claimable
     WHERE NOT (o.golden = ANY(@refused)) ${first ? SAME_VERSIONS : ''}
     ORDER BY j.turn, j.number LIMIT ${OFFERS_AT_ONCE}`,
    { ...claimant, ...same, other: offer ?? null },
  );
  return rows.map((row) => readRow(OFFER, row));
}

const SAME_SEGMENTS = 'AND r.from_segment = @from AND r.to_segment = @to';
const SAME_VERSIONS = `AND o.number <> @other AND o.model_version = @modelVersion
  AND o.population_version = @populationVersion`;

/** Locks the first claimable range of an offer that no other transaction has locked. */
export async function lockClaimable(
  t: Transaction,
  { offer }: OfferRow,
  claimant: Claimant,
  first: FirstRange | null,
): Promise<Omit<RangeRow, keyof OfferRow> | undefined> {
  const row = await t.get(
    `SELECT ${selectList(RANGE)} FROM ranges r
     WHERE r.offer = @offer AND ${CLAIMABLE} ${first ? SAME_SEGMENTS : ''}
     ORDER BY r.from_segment LIMIT 1 FOR UPDATE SKIP LOCKED`,
    { ...claimant, offer, ...(first && { from: first.from, to: first.to }) },
  );
  return row && readRow(RANGE, row);
}

/** Inserts the ranges of an offer, each with the same state. */
export async function insertRanges(
  t: Transaction,
  offer: number,
  ranges: { readonly from: readonly number[]; readonly to: readonly number[]; readonly state: Json },
): Promise<void> {
  await t.run(
    `INSERT INTO ranges (offer, number, from_segment, to_segment, state, claimable_from)
     SELECT @offer::bigint, ordinal - 1, from_segment, to_segment, @state::json, 0
     FROM unnest(@from::bigint[], @to::bigint[]) WITH ORDINALITY AS r (from_segment, to_segment, ordinal)`,
    { offer, ...ranges },
  );
}

/** Whether an offer has ranges that have not ended. */
export async function hasOpenRanges(t: Transaction, offer: number): Promise<boolean> {
  const text = 'SELECT 1 FROM ranges WHERE offer = @offer AND claimable_from IS NOT NULL LIMIT 1';
  return (await t.get(text, { offer })) !== undefined;
}

/** The ranges that an engine holds, locked. */
export async function rangesHeldBy(t: Transaction, owner: string): Promise<RangeRow[]> {
  // found first and then locked, because other engines are working on the other ranges
  const found = await t.all<{ readonly offer: number; readonly number: number }>(
    `SELECT r.offer, r.number FROM ranges r WHERE r.claimable_from IS NOT NULL AND EXISTS (
       SELECT 1 FROM json_array_elements(r.state -> 'holders') holder WHERE holder ->> 'owner' = @owner)`,
    { owner },
  );
  if (found.length === 0) return [];
  const those = `JOIN unnest(@offers::bigint[], @numbers::bigint[]) AS c (offer, number)
    ON c.offer = r.offer AND c.number = r.number ORDER BY r.offer, r.number FOR UPDATE OF r`;
  const [offers, numbers] = [found.map(({ offer }) => offer), found.map(({ number }) => number)];
  const rows = await liveRanges(t, those, { offers, numbers });
  return rows.filter(({ state }) => state.holders.some((holder) => holder.owner === owner));
}

/** Offers whose blobs are no longer needed. */
export async function staleOffers(sql: Sql): Promise<OfferRow[]> {
  const text = `SELECT ${selectList(OFFER)} FROM range_offers o
    WHERE o.is_replaced OR NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = o.job) ORDER BY o.number`;
  return (await sql.all(text)).map((row) => readRow(OFFER, row));
}
