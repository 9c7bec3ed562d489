/** Audience versions: their sizes, their numbers, and which version becomes active. */
import { AppError } from '../lib/errors.ts';
import { canonicalJson } from '../lib/text/canonical-json.ts';
import { decodeCursor } from './cursors.ts';
import type { AudienceCut, CutRequest } from './cuts.ts';
import type { Treated } from './hold-out.ts';
import { type ExpansionState, isEnd } from './states.ts';
import type { Audience, AudienceRequest, CampaignChange } from './types.ts';

/** Which inactive audience versions are kept. */
export interface Retention {
  /** How many of the newest inactive versions are kept per campaign. */
  readonly versions: number;
  readonly days: number;
}

/** Time after which a client should ask again for an audience that is not ready yet. */
const RETRY_AFTER_SECONDS = 2;
/**
 * Time after which a client should ask again if the expansion ended without an audience. This time is longer because
 * only a new expansion can make an audience.
 */
const RETRY_AFTER_END_SECONDS = 60;

/**
 * The number of members of an audience: the requested size, or a percentage of the population rounded up, both capped
 * at the number of candidates.
 */
export function audienceSize(request: AudienceRequest, candidates: number, populationSize: number): number {
  if ('size' in request) return Math.min(candidates, Math.max(1, request.size));
  const share = (populationSize * request.percent) / 100;
  // In floating point, 33.2 % of 50,534,000 is 16777288.000000002, which must not be rounded up. The relative error is
  // below 4e-16.
  const wanted = Math.ceil(share - Math.max(1e-9, share * 1e-15));
  return Math.min(candidates, Math.max(1, wanted));
}

/** The size, hold-out percentage and named cuts of one audience version. */
type RankingCut = Pick<Audience, 'size' | 'cuts' | 'candidates' | 'populationSize'> & {
  readonly holdoutPercent: number;
};

/**
 * Returns the size, hold-out percentage and cuts of the next version after a change of the campaign, or `null` if the
 * active version already has them.
 */
export function recut(
  active: RankingCut,
  change: Pick<CampaignChange, 'audience' | 'holdoutPercent' | 'cuts'>,
): Pick<RankingCut, 'size' | 'holdoutPercent' | 'cuts'> | null {
  const { audience, holdoutPercent = active.holdoutPercent } = change;
  const cuts = change.cuts ? resolveCuts(change.cuts, active.candidates, active.populationSize) : active.cuts;
  const size = audience ? audienceSize(audience, active.candidates, active.populationSize) : active.size;
  const hasSameCuts = canonicalJson(cuts) === canonicalJson(active.cuts);
  const isSame = size === active.size && holdoutPercent === active.holdoutPercent && hasSameCuts;
  return isSame ? null : { size, holdoutPercent, cuts };
}

/**
 * Converts the bounds of each cut to ranks. Cuts and audiences of the same size end at the same rank. A cut that begins
 * after the last candidate is empty.
 */
export function resolveCuts(
  cuts: readonly CutRequest[],
  candidates: number,
  populationSize: number,
): readonly AudienceCut[] {
  const rankAt = (unit: CutRequest['unit'], bound: number): number => {
    if (bound === 0) return 0;
    return audienceSize(unit === 'size' ? { size: bound } : { percent: bound }, candidates, populationSize);
  };
  return cuts.map(({ name, unit, from, to }) => ({ name, from: rankAt(unit, from), to: rankAt(unit, to) }));
}

/**
 * Returns the users of a named cut or, without a name, those of the audience itself.
 * @throws AppError cut_not_found (facts: known_cuts)
 */
export function usersOf(audience: Audience, cut: string | undefined): Treated {
  if (cut === undefined) return audience;
  const { campaignId, version, holdout, cuts } = audience;
  const found = cuts.find(({ name }) => name === cut);
  if (found !== undefined) return { from: found.from, size: found.to, holdout };
  throw new AppError('cut_not_found', `audience version ${version} of campaign ${campaignId} has no cut ${cut}`, {
    facts: { known_cuts: cuts.map(({ name }) => name) },
  });
}

/**
 * The number of a campaign's next audience version. A pruned version's number is not reused while the list of changes
 * still contains the number.
 */
export function nextVersion(newest: number | null, newestChange: number | null): number {
  return 1 + Math.max(newest ?? 0, newestChange ?? 0);
}

/** The error for a campaign without an audience; `state` is the state of its latest expansion. */
export function audienceNotReady(id: string, state: ExpansionState | null): AppError {
  const what = state === null ? 'the campaign has never been expanded' : `the latest expansion is ${state}`;
  const isFinal = state === null || isEnd(state);
  return new AppError('audience_not_ready', `campaign ${id} has no audience: ${what}`, {
    facts: { state, retry_after: isFinal ? RETRY_AFTER_END_SECONDS : RETRY_AFTER_SECONDS },
  });
}

/**
 * The sequence number of the change after which a page of changes begins. `last` is the sequence number of the newest
 * change.
 * @throws AppError invalid_cursor
 */
export function changesAfter(since: string | undefined, last: number): number {
  const after = since === undefined ? 0 : decodeCursor('changes', since, { pointer: 'since' });
  if (after <= last) return after;
  const message =
    'the cursor refers to changes that this service does not have (was an older copy of the data restored?); ' +
    'start again without a cursor';
  throw new AppError('invalid_cursor', message, { details: [{ pointer: 'since', message, value: since }] });
}
