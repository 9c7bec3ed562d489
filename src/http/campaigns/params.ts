/** The path parameters of everything that belongs to a campaign. */
import { z } from 'zod';
import { component } from '../openapi/component.ts';
import { hasTexts, withQuickCheck } from '../plugins/json/validation.ts';

export const campaignParams = withQuickCheck(
  z.strictObject({
    id: z.string().meta({
      ...component('CampaignId'),
      description: 'Id of a campaign.',
      examples: ['0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11'],
    }),
  }),
  (input) => hasTexts(input, ['id'], () => true),
);
