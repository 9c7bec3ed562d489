/** `metaheac keys list`. */
import type { ApiKey } from '../../../domain/api-keys.ts';
import type { ApiKeys } from '../../../domain/ports/api-keys.ts';
import { key } from '../../../http/keys/key.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { type ChosenStore, withChosenStore } from '../chosen-store.ts';

/** Number of keys per page. */
const PAGE = 1_000;

export async function keysListCommand(store: ChosenStore, options: { json?: boolean }, output: Output): Promise<void> {
  const keys = await withChosenStore(store, ({ apiKeys }) => allOf(apiKeys));
  if (options.json) output.result(JSON.stringify({ keys: keys.map((one) => key.parse(one)) }));
  else for (const one of keys) output.result(describeKey(one));
  if (keys.length === 0) output.note('there are no API keys');
}

async function allOf(apiKeys: ApiKeys): Promise<ApiKey[]> {
  const keys: ApiKey[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await apiKeys.list({ limit: PAGE, cursor });
    keys.push(...page.items);
    cursor = page.nextCursor;
  }
  return keys;
}

function describeKey({ id, scope, name, labels, ...times }: ApiKey): string {
  const texts = Object.entries(labels).map(([key, text]) => ` ${key}=${text}`);
  return `${id}  ${scope.padEnd(5)}  ${stateOf(times)}  ${name}${texts.join('')}`;
}

function stateOf({ expiresAt, expiredAt, revokedAt }: Pick<ApiKey, 'expiresAt' | 'expiredAt' | 'revokedAt'>): string {
  if (revokedAt !== null) return `revoked ${new Date(revokedAt).toISOString()}`;
  if (expiresAt === null) return 'valid';
  const word = expiredAt !== null || expiresAt <= systemClock.now() ? 'expired' : 'valid until';
  return `${word} ${new Date(expiresAt).toISOString()}`;
}
