/** `metaheac keys create`. */
import type { Scope } from '../../../domain/api-keys.ts';
import type { Labels } from '../../../domain/types.ts';
import { DEFAULT_SERVER_CONFIG } from '../../../http/config.ts';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { withDataFolder } from '../../../service/data-folder.ts';
import { recorded } from './recorded.ts';

export interface KeysCreateOptions {
  name: string;
  scope: Scope;
  label: Labels;
  expiresIn?: number;
}

/** The key alone goes to stdout. */
export function keysCreateCommand(dataDir: string, options: KeysCreateOptions, output: Output): void {
  const { name, scope, label: labels, expiresIn } = options;
  if (scope === 'admin' && Object.keys(labels).length > 0)
    throw new AppError('invalid_argument', 'a key of scope admin has no labels');
  const expiresAt = expiresIn === undefined ? null : systemClock.now() + expiresIn;
  const { apiKey, key } = withDataFolder(
    dataDir,
    (store) =>
      recorded(store, { action: 'createKey', resource: 'key', resourceId: null }, () =>
        store.apiKeys.create({ name, scope, labels, expiresAt }, DEFAULT_SERVER_CONFIG.maximumKeys),
      ),
    { isMade: true },
  );
  output.result(key);
  const until = expiresAt === null ? '' : ` until ${new Date(expiresAt).toISOString()}`;
  output.note(`${apiKey.id}, scope ${scope}${until}: keep the key, it is never shown again`);
}
