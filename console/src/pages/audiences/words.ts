/** Texts for states and verdicts. */
import type { Campaign, CampaignState, Verdict } from '../../api/types.ts';
import type { Tone } from '../../ui/badge.tsx';
import { formatCount } from '../../ui/format.ts';
import { capital } from '../../ui/words.ts';
import { DRAFT_NAME } from './drafts.tsx';

interface Word {
  readonly text: string;
  readonly tone: Tone;
}

export const STATES: Readonly<Record<CampaignState, Word>> = {
  queued: { text: 'Waiting', tone: 'busy' },
  adapting: { text: 'Learning', tone: 'busy' },
  scoring: { text: 'Scoring', tone: 'busy' },
  ready: { text: 'Ready', tone: 'good' },
  too_small: { text: 'Too few customers', tone: 'warn' },
  failed: { text: 'Failed', tone: 'bad' },
  superseded: { text: 'Replaced', tone: 'neutral' },
  cancelled: { text: 'Cancelled', tone: 'neutral' },
};

const EMPTY: Word = { text: 'No customers yet', tone: 'neutral' };
const DRAFT: Word = { text: 'Draft', tone: 'neutral' };

/** Returns the text for the state of a campaign. A campaign that was never expanded may already have customers. */
export function wordOf(campaign: Pick<Campaign, 'name' | 'state' | 'seeds'>): Word {
  if (campaign.state !== null) return STATES[campaign.state];
  return isDraft(campaign) ? DRAFT : EMPTY;
}

/** Whether the campaign is a draft that was started in the form or through the API. */
export function isDraft({ name, state, seeds }: Pick<Campaign, 'name' | 'state' | 'seeds'>): boolean {
  return state === null && (seeds.received > 0 || name === DRAFT_NAME);
}

/** Returns the service's reason as a sentence. A reason that counts seeds is reworded for the console. */
export function reasonOf({ code, message, known, minimum }: NonNullable<Campaign['reason']>): string {
  if (code === 'too_few_seeds' && typeof known === 'number' && typeof minimum === 'number')
    return `${formatCount(known)} of your customers are in the population; at least ${formatCount(minimum)} are needed.`;
  return `${capital(message)}${/[.!?]$/.test(message) ? '' : '.'}`;
}

interface VerdictWord extends Word {
  /** Returns a sentence that helps users decide whether to use the audience. */
  readonly meaning: string;
}

export const VERDICTS: Readonly<Record<Verdict, VerdictWord>> = {
  good: {
    text: 'Good',
    tone: 'good',
    meaning: 'Customers held back for testing rank above most other people.',
  },
  weak: {
    text: 'Weak',
    tone: 'warn',
    meaning:
      'Your customers look much like everyone else, so the audience may be little better than a random audience.',
  },
  unsure: { text: 'Unsure', tone: 'neutral', meaning: 'There are too few customers to tell how good the audience is.' },
};

/** Returns a sentence about the assumption of a prediction about future customers. */
export function driftWords(drift: { readonly measured: boolean; readonly campaigns: number } | null): string {
  if (drift?.measured)
    return (
      'The forecast allows for future customers who differ from the current customers, as seen in ' +
      `${formatCount(drift.campaigns)} past campaigns.`
    );
  return (
    'The forecast assumes that future customers are like the current customers. This assumption could not be tested, ' +
    'because past campaigns have no dates.'
  );
}

export function isRunning({ state }: Pick<Campaign, 'state'>): boolean {
  return state === 'queued' || state === 'adapting' || state === 'scoring';
}

const REFRESH_UNITS: Readonly<Record<string, string>> = { m: 'minute', h: 'hour', d: 'day' };

/** Returns a text that says when an audience is rebuilt automatically. */
export function refreshWords({
  every,
  on_new_population: isFollowing,
  on_change: isOnChange,
}: Campaign['refresh']): string {
  const [, count = '', unit = ''] = /^(\d+)([mhd])$/.exec(every ?? '') ?? [];
  const name = REFRESH_UNITS[unit];
  const when = [
    name === undefined ? null : count === '1' ? `every ${name}` : `every ${count} ${name}s`,
    isFollowing ? 'after each import of a population' : null,
    isOnChange ? 'when the definition or a suppression list changes' : null,
  ].filter((part) => part !== null);
  return when.length === 0 ? 'Never' : capital(when.join(', '));
}
