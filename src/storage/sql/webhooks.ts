/** Webhooks and their signing secrets. */

import type { IdempotentRequest } from '../../domain/idempotency.ts';
import type { Accept } from '../../domain/ports/accept.ts';
import type { Webhooks } from '../../domain/ports/webhooks.ts';
import type { NewWebhook, SignedWebhook, Webhook, WebhookChange } from '../../domain/webhook-types.ts';
import { newWebhookSecret, reasonAfter, refuseMoreWebhooks, secretsToKeep } from '../../domain/webhooks.ts';
import type { AuditRepository } from './audit-log.ts';
import { insert, updateRow } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import { keepAnswerOf, OF_NO_CAMPAIGN } from './idempotency.ts';
import { toJson } from './json.ts';
import { getReceiverRow, ReceiverRepository, type ReceiverRow } from './receivers.ts';

export class WebhookRepository extends ReceiverRepository<Webhook> implements Webhooks {
  constructor(dependencies: StoreDependencies, audit: AuditRepository) {
    super(dependencies, audit, 'webhook', toWebhook);
  }

  async create(
    input: NewWebhook,
    maximum: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const secret = newWebhookSecret();
    return this.insert({
      columns: toWritten(input),
      now,
      once,
      refuseMore: (count) => refuseMoreWebhooks(count, maximum),
      finish: async (t, row) => {
        await insert(t, 'webhook_secrets', { webhook: row.number, secret });
        return { webhook: toWebhook(row), secret };
      },
    });
  }

  async update(id: string, change: WebhookChange, now: number, accept?: Accept<Webhook>): Promise<Webhook> {
    return this.change(id, now, accept, (row) => ({ ...toWritten(change), disabled_reason: reasonAfter(row, change) }));
  }

  async rotate(
    id: string,
    graceMs: number,
    now: number,
    once?: IdempotentRequest<SignedWebhook>,
  ): Promise<SignedWebhook> {
    const secret = newWebhookSecret();
    return this.database.write(async (t) => {
      const { number: webhook } = await getReceiverRow(t, id, 'webhook');
      const former = await t.all<{ readonly secret: string; readonly expiresAt: number | null }>(
        `SELECT secret, expires_at AS "expiresAt" FROM webhook_secrets WHERE webhook = @webhook ORDER BY ${NEWEST_FIRST}`,
        { webhook },
      );
      const numbered = former.map(({ expiresAt }, number) => ({ number, expiresAt }));
      const kept = secretsToKeep(numbered, graceMs, now);
      await t.run('DELETE FROM webhook_secrets WHERE webhook = @webhook', { webhook });
      for (const { number, expiresAt } of kept)
        await insert(t, 'webhook_secrets', { webhook, secret: former[number]!.secret, expires_at: expiresAt });
      await insert(t, 'webhook_secrets', { webhook, secret });
      await updateRow(t, 'webhooks', webhook, { updated_at: now });
      const made = { webhook: toWebhook(await getReceiverRow(t, id, 'webhook')), secret };
      await keepAnswerOf(t, once, made, OF_NO_CAMPAIGN, now);
      return made;
    });
  }
}

/** Sorts the secrets of a webhook. An older secret expires no later than a newer one, and the newest never expires. */
export const NEWEST_FIRST = 'expires_at DESC NULLS FIRST';

/** Columns for the fields that a caller has set. */
function toWritten({ url, events, description, enabled }: WebhookChange) {
  return { url, events: toJson(events), description, enabled };
}

function toWebhook({ number: _, destination: _none, ...webhook }: ReceiverRow): Webhook {
  return webhook;
}
