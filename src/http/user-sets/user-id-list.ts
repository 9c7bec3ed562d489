/** Schema of a list of user ids in JSON, with its limits. */
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
