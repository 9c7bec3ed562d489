/** `metaheac keys create`. */
import type { Scope } from '../../../domain/api-keys.ts';
import { DOMAIN_LIMITS } from '../../../domain/limits.ts';
import type { Labels } from '../../../domain/types.ts';
import { systemClock } from '../../../lib/clock.ts';
import { UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { type ChosenStore, withChosenStore } from '../chosen-store.ts';
import { recorded } from './recorded.ts';

export interface KeysCreateOptions {
  name: string;
  scope: Scope;
  label: Labels;
  expiresIn?: number;
}

/** Prints only the key on stdout. */
export async function keysCreateCommand(
  chosen: ChosenStore,
  options: KeysCreateOptions,
  output: Output,
): Promise<void> {
  const { name, scope, label: labels, expiresIn } = options;
  if (scope === 'admin' && Object.keys(labels).length > 0)
    throw new UsageError('a key with scope admin cannot have labels');
  const expiresAt = expiresIn === undefined ? null : systemClock.now() + expiresIn;
  const { apiKey, key } = await withChosenStore(
    chosen,
    (store) =>
      recorded(store, { action: 'createKey', resource: 'key', resourceId: null }, () =>
        store.apiKeys.create({ name, scope, labels, expiresAt }, DOMAIN_LIMITS.maximumKeys.value),
      ),
    { isMade: true },
  );
  output.result(key);
  const until = expiresAt === null ? '' : ` until ${new Date(expiresAt).toISOString()}`;
  output.note(`${apiKey.id}, scope ${scope}${until}: save the key now, because it is never shown again`);
}
