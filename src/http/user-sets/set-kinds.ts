/**
 * The kinds of user sets: a campaign's seeds, its negatives and its suppression list, and the global suppression list.
 */

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SetOwner } from '../../domain/user-sets.ts';
import { campaignParams } from '../plugins/params.ts';
import type { EntryField } from './entry-fields.ts';

/** One kind of user set, with its texts for the OpenAPI document. */
export interface SetKind {
  readonly url: string;
  /** Names of the set and of its users in operation ids. */
  readonly noun: string;
  readonly users: string;
  readonly what: string;
  /** A sentence about the purpose of the set. */
  readonly about: string;
  /** The extra field that users may have. */
  readonly field: EntryField['name'] | null;
  readonly ownerOf: (request: FastifyRequest) => SetOwner;
  readonly params: z.ZodType;
  /** Additional error codes of sets that belong to a campaign. */
  readonly codes: readonly 'campaign_not_found'[];
}

const EXPIRY =
  'A user may have an expiry (`expires_at`), and is removed from the list within a minute after it. If a user is ' +
  'sent again, the new expiry replaces the old one; without a new one, the user no longer expires. ';
const ofCampaign = { params: campaignParams, codes: ['campaign_not_found'] } as const;
const idOf = (request: FastifyRequest) => (request.params as z.output<typeof campaignParams>).id;

export const SET_KINDS: readonly SetKind[] = [
  {
    ...ofCampaign,
    url: '/v1/campaigns/:id/seeds',
    noun: 'Seeds',
    users: 'Seeds',
    what: "a campaign's seeds",
    about:
      'A seed may have a weight, such as the value of a customer; without one it has weight 1. Only the ratios of ' +
      'the weights matter. If an id is repeated, its last weight counts. In NDJSON, a seed may have `features`. If ' +
      'the user is not in the population, the model learns from these features, and the user is never ranked. If the ' +
      'user is in the population, the features are ignored. ',
    field: 'weight',
    ownerOf: (request) => ({ kind: 'seeds', campaignId: idOf(request) }),
  },
  {
    ...ofCampaign,
    url: '/v1/campaigns/:id/negatives',
    noun: 'Negatives',
    users: 'Negatives',
    what: "a campaign's negatives",
    about:
      'Negatives are users who are known not to like the campaign, such as customers who returned the product. The ' +
      'model learns from them as from users who dismissed the campaign, and they may still be ranked. A user who is ' +
      'also a seed counts as a negative. ',
    field: null,
    ownerOf: (request) => ({ kind: 'negatives', campaignId: idOf(request) }),
  },
  {
    ...ofCampaign,
    url: '/v1/campaigns/:id/suppression',
    noun: 'CampaignSuppressionList',
    users: 'CampaignSuppressedUsers',
    what: "a campaign's suppression list",
    about: `Users on the list are in no audience of the campaign and are not used as seeds. ${EXPIRY}`,
    field: 'expires_at',
    ownerOf: (request) => ({ kind: 'suppression', campaignId: idOf(request) }),
  },
  {
    url: '/v1/suppression',
    noun: 'SuppressionList',
    users: 'SuppressedUsers',
    what: 'the global suppression list',
    about: `Users on the list, such as customers or opt-outs, are in no audience and are not used as seeds. ${EXPIRY}`,
    field: 'expires_at',
    ownerOf: () => ({ kind: 'common_suppression' }),
    params: z.strictObject({}),
    codes: [],
  },
];
