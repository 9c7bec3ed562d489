/** Path parameters that several resources share. */
import { z } from 'zod';
import { component } from '../openapi/component.ts';
import { userId, wrongId } from './json/fields.ts';
import { hasTexts, withQuickCheck } from './json/validation.ts';
import type { HttpLimits } from './limits.ts';

/** Path parameters of routes under a campaign. */
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

/** Path parameters of user routes. The length of the user id is limited. */
export function userParams(limits: HttpLimits) {
  return withQuickCheck(z.strictObject({ user_id: userIdParam(limits) }), (input) =>
    hasTexts(input, ['user_id'], isUserId(limits)),
  );
}

/** Path parameters of user routes under a campaign. */
export function memberParams(limits: HttpLimits) {
  const isId = isUserId(limits);
  return withQuickCheck(z.strictObject({ id: campaignParams.shape.id, user_id: userIdParam(limits) }), (input) =>
    hasTexts(input, ['id', 'user_id'], isId),
  );
}

function userIdParam({ maximumUserIdBytes }: HttpLimits) {
  return userId(maximumUserIdBytes).meta(component('UserId'));
}

/** Returns a function that checks whether a value is a user id. The check is fast for valid ids. */
export function isUserId({ maximumUserIdBytes }: HttpLimits): (id: unknown) => boolean {
  return (id) => wrongId('a user id', id, maximumUserIdBytes) === null;
}
