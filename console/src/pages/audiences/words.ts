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

export const VERDICTS: Readonly<Record<Verdict, Word>> = {
  good: { text: 'Good', tone: 'good' },
  weak: { text: 'Weak', tone: 'warn' },
  unsure: { text: 'Unsure', tone: 'neutral' },
};

export function isRunning({ state }: Pick<Campaign, 'state'>): boolean {
  return state === 'queued' || state === 'adapting' || state === 'scoring';
}
