/** The shapes of API keys over HTTP. */
import { z } from 'zod';
import { SCOPES } from '../../domain/api-keys.ts';
import { labelsField } from '../campaigns/inputs.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { pageCursor } from '../plugins/paging.ts';

const SCOPE_TEXT =
  'What it may do: `read`; `write`, which also creates and changes; or `admin`, which also has keys, the audit log, the ' +
  'erasure of users and the versions that are served.';
const LABELS_TEXT =
  'Only campaigns with all of these labels exist for the key. It cannot call what concerns all campaigns (webhooks, ' +
  'changes, the common suppression list, the audiences of a user).';

const keyFields = {
  id: z.string().describe('What the key begins with.'),
  name: z.string(),
  scope: z.enum(SCOPES).describe(SCOPE_TEXT),
  labels: z.record(z.string(), z.string()).describe(LABELS_TEXT),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
};

const EXAMPLE = {
  id: 'mh_1a2b3c4d5e6f',
  name: 'ad server',
  scope: 'read' as const,
  labels: { team: 'growth' },
  created_at: '2026-11-26T12:00:00.000Z',
  expires_at: '2027-11-26T00:00:00.000Z',
  revoked_at: null,
};

/** A key, without its secret. */
export const keySchema = z.object(keyFields).meta({ id: 'Key', examples: [EXAMPLE] });

/** Who calls. */
export const callerSchema = z
  .object({
    actor: z
      .string()
      .describe(
        "As in the audit log: a key's id, `admin` for the key of the settings, `anonymous` where no key is needed.",
      ),
    scope: z.enum(SCOPES).describe(SCOPE_TEXT),
    labels: z.record(z.string(), z.string()).describe(LABELS_TEXT),
    key: keySchema.nullable().describe('null if the caller has none, or that of the settings.'),
  })
  .meta({
    id: 'Caller',
    examples: [{ actor: EXAMPLE.id, scope: EXAMPLE.scope, labels: EXAMPLE.labels, key: EXAMPLE }],
  });

/** A new key: the answer to POST alone. */
export const keyWithSecretSchema = z
  .object({ ...keyFields, key: z.string().describe('Send it as `Authorization: Bearer`. It is never shown again.') })
  .meta({
    id: 'KeyWithSecret',
    examples: [{ ...EXAMPLE, key: 'mh_1a2b3c4d5e6f_2mEoHxAhJ1zv8pQyqkT3r5bXn0cWfLdGsUiVwYtRZa4' }],
  });

export const keyPageSchema = z
  .object({ items: z.array(keySchema), next_cursor: z.string().nullable() })
  .meta({ id: 'KeyPage', description: 'Newest first.' });

export const keyParams = z.strictObject({
  id: z.string().meta({ ...component('KeyId'), description: 'Id of a key.', examples: [EXAMPLE.id] }),
});

export function keyQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumCampaignPageSize, config.defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
  });
}

/** A new key. */
export function keyBody(config: ServerConfig, now: () => number) {
  return z
    .strictObject({
      name: z.string().min(1).max(config.maximumNameLength).describe('Who or what uses it.'),
      scope: z.enum(SCOPES).describe(SCOPE_TEXT),
      labels: labelsField(config).default({}).describe(LABELS_TEXT),
      expires_at: z.iso
        .datetime({ offset: true, error: 'a time as in RFC 3339 is expected' })
        .refine((text) => !(Date.parse(text) <= now()), 'it is in the past')
        .optional()
        .describe('From when on it is refused; without, never.'),
    })
    .refine(({ scope, labels }) => scope !== 'admin' || Object.keys(labels).length === 0, {
      path: ['labels'],
      message: 'a key of scope admin has no labels',
    })
    .meta({
      ...component('KeyCreate'),
      examples: [{ name: EXAMPLE.name, scope: EXAMPLE.scope, labels: EXAMPLE.labels, expires_at: EXAMPLE.expires_at }],
    });
}
