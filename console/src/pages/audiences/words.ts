/** States and verdicts in words for people. */
import type { Campaign, CampaignState, Verdict } from '../../api/types.ts';
import type { Tone } from '../../ui/badge.tsx';

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

export const DRAFT: Word = { text: 'No customers yet', tone: 'neutral' };

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

export function isRunning({ state }: Pick<Campaign, 'state'>): boolean {
  return state === 'queued' || state === 'adapting' || state === 'scoring';
}
