/** Lists of user ids in JSON: their schema, and their limits. */

import { AppError } from '../../lib/errors.ts';
import type { ServerConfig } from '../config.ts';
import { listField } from '../plugins/json/bounded-fields.ts';
import { wrongId } from '../plugins/json/fields.ts';

/** A list of user ids in JSON. */
export function userIdList(config: ServerConfig, description: string) {
  const { maximumUserIdBytes, maximumInlineSeeds, maximumErrorDetails } = config;
  const wrong = (id: unknown) => wrongId('a user id', id, maximumUserIdBytes);
  return listField('user ids', wrong, maximumInlineSeeds, maximumErrorDetails).meta({
    description,
    type: 'array',
    minItems: 1,
    maxItems: maximumInlineSeeds,
    items: { type: 'string', minLength: 1, maxLength: maximumUserIdBytes },
  });
}

/** Refuses (`too_many_seeds`) a body whose `field` is a list of more than `limit` ids. */
export function refuseTooManyIds(
  body: unknown,
  field: 'seeds' | 'negatives' | 'suppression' | 'user_ids',
  limit: number,
): void {
  const ids = (body as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  if (!Array.isArray(ids) || ids.length <= limit) return;
  const message = `at most ${limit} user ids can be sent in JSON; the request has ${ids.length}`;
  throw new AppError('too_many_seeds', message, {
    details: [{ pointer: `/${field}`, value: ids, limit, message }],
  });
}
