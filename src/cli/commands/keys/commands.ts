/** The actions of `metaheac keys` and `metaheac audit`. */
import type { ApiKey, Scope } from '../../../domain/api-keys.ts';
import { DOMAIN_LIMITS } from '../../../domain/limits.ts';
import type { ApiKeys } from '../../../domain/ports/api-keys.ts';
import type { Labels } from '../../../domain/types.ts';
import { auditLine } from '../../../http/audit/routes.ts';
import { key } from '../../../http/keys/key.ts';
import { systemClock } from '../../../lib/clock.ts';
import { UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { type ChosenStore, recorded, withChosenStore } from '../chosen-store.ts';

/** Number of keys or audit entries per page. */
const PAGE = 1_000;

export interface KeysCreateOptions {
  name: string;
  scope: Scope;
  label: Labels;
  expiresIn?: number;
}

/** Prints nothing but the key to stdout. */
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

export async function keysRevokeCommand(chosen: ChosenStore, id: string, output: Output): Promise<void> {
  await withChosenStore(chosen, (store) =>
    recorded(store, { action: 'revokeKey', resource: 'key', resourceId: id }, () => store.apiKeys.revoke(id)),
  );
  output.result(`revoked ${id}`);
}

export async function auditCommand(
  store: ChosenStore,
  { since, until }: { since?: number; until?: number },
  output: Output,
): Promise<void> {
  await withChosenStore(store, async ({ audit }) => {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await audit.list({ since, until, limit: PAGE, cursor });
      for (const entry of page.items) output.result(auditLine(entry).trimEnd());
      cursor = page.nextCursor;
    }
  });
}
