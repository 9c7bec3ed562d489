/** Destinations of signals: labels of a signal's campaign. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CampaignFields } from './api.ts';

/** Labels with this prefix hold the destinations to which a signal was activated. */
const DESTINATION = 'adcp_to:';
/** Minutes after which an activation that is not live yet is expected to be. */
const EXPECTED_MINUTES = 1;

export const destination = z.union([
  z.looseObject({ type: z.literal('platform'), platform: z.string().min(1), account: z.string().optional() }),
  z.looseObject({ type: z.literal('agent'), agent_url: z.url(), account: z.string().optional() }),
]);
export type Destination = z.output<typeof destination>;

/** The destinations to which a signal is activated. */
export function destinationsOf(campaign: CampaignFields | null): readonly Destination[] {
  return Object.entries(campaign?.labels ?? {})
    .filter(([key]) => key.startsWith(DESTINATION))
    .map(([, text]) => JSON.parse(text) as Destination);
}

/** Ad servers look users up in the audience of the campaign, so its id is the segment. */
export function deploymentOf(to: Destination, { id, state, updated_at: updatedAt }: CampaignFields) {
  if (state !== 'ready')
    return { ...placeOf(to), is_live: false, estimated_activation_duration_minutes: EXPECTED_MINUTES };
  const key =
    to.type === 'platform' ? { type: 'segment_id', segment_id: id } : { type: 'key_value', key: 'metaheac', value: id };
  return { ...placeOf(to), is_live: true, activation_key: key, deployed_at: updatedAt };
}

export function placeOf(to: Destination) {
  const place = to.type === 'platform' ? { platform: to.platform } : { agent_url: to.agent_url };
  return { type: to.type, ...place, ...(to.account !== undefined && { account: to.account }) };
}

/** What two equal destinations have in common. */
export function keyOf(to: Destination): string {
  return JSON.stringify(placeOf(to));
}

/** The label of a signal's campaign that holds a destination. */
export function labelOf(to: Destination): string {
  return `${DESTINATION}${digest(keyOf(to)).slice(0, 16)}`;
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
