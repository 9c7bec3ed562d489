/** States and verdicts in words for people. */
import type { Campaign, CampaignState, Verdict } from '../../api/types.ts';
import type { Tone } from '../../ui/badge.tsx';
import { formatCount } from '../../ui/format.ts';

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
const DRAFT: Word = { text: 'Not created yet', tone: 'neutral' };

/** Of a campaign as it is; one that nothing was made of yet may have its customers already. */
export function wordOf(campaign: Pick<Campaign, 'state' | 'seeds'>): Word {
  if (campaign.state !== null) return STATES[campaign.state];
  return isDraft(campaign) ? DRAFT : EMPTY;
}

/** Begun in the form of a new audience, or by a program, and not finished. */
export function isDraft({ state, seeds }: Pick<Campaign, 'state' | 'seeds'>): boolean {
  return state === null && (seeds?.received ?? 0) > 0;
}

/** The service's reason as a sentence; where it counts customers, in the words of these pages. */
export function reasonOf({ code, message, known, minimum }: NonNullable<Campaign['reason']>): string {
  if (code === 'too_few_seeds' && typeof known === 'number' && typeof minimum === 'number')
    return `${formatCount(known)} of your customers are in the population; at least ${formatCount(minimum)} are needed.`;
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;
}

interface VerdictWord extends Word {
  /** In a sentence, for somebody who decides on an audience. */
  readonly meaning: string;
}

export const VERDICTS: Readonly<Record<Verdict, VerdictWord>> = {
  good: {
    ...{ text: 'Good', tone: 'good' },
    meaning: 'Customers who were held back for a test rank above most other people.',
  },
  weak: {
    ...{ text: 'Weak', tone: 'warn' },
    meaning: 'Your customers look much like everyone else: the audience may be little better than a random one.',
  },
  unsure: { text: 'Unsure', tone: 'neutral', meaning: 'There are too few customers to tell how good the audience is.' },
};

/** What a prediction takes for granted of people who come later. */
export function driftWords(drift: { readonly measured: boolean; readonly campaigns: number } | null): string {
  if (drift?.measured)
    return (
      `It allows for people who come later being less like your customers, as in ${formatCount(drift.campaigns)} ` +
      'past campaigns.'
    );
  return 'It assumes that people who come later are like your customers: past campaigns have no dates to tell by.';
}

export function isRunning({ state }: Pick<Campaign, 'state'>): boolean {
  return state === 'queued' || state === 'adapting' || state === 'scoring';
}
