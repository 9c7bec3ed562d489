/** API keys: response and request schemas. */
import { z } from 'zod';
import { type ApiKey, SCOPES } from '../../domain/api-keys.ts';
import { labelsField } from '../campaigns/inputs.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { answerOf, pageOf } from '../plugins/json/answer.ts';
import { time } from '../plugins/json/fields.ts';

const NAME_TEXT = 'Who or what uses the key.';
const SCOPE_TEXT =
  'What the key may do: `read`; `write`, which can also create and change; or `admin`, which can also manage keys, ' +
  'read the audit log, erase users and change the served versions.';
const LABELS_TEXT =
  'Labels of the key. A key with labels sees only campaigns that have all of these labels, and cannot call ' +
  'routes that concern all campaigns (webhooks, changes, the global suppression list, the audiences of a user).';

const fields = {
  id: z.string().describe('Id of the key, which is the first part of the key itself.'),
  name: z.string().describe(NAME_TEXT),
  scope: z.enum(SCOPES).describe(SCOPE_TEXT),
  labels: z.record(z.string(), z.string()).describe(LABELS_TEXT),
  created_at: time,
  expires_at: time.nullable().describe('Time at which the key expires; `null` if it never does.'),
  revoked_at: time.nullable().describe('Time at which the key was revoked; `null` if it was not.'),
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

/** The response schema of a key, without the secret. */
export const key = answerOf<ApiKey>()({ id: 'Key', examples: [EXAMPLE] }, fields);

/** The response schema of a new key with its secret, which only the response to POST contains. */
export const keyWithSecret = answerOf<ApiKey & { readonly key: string }>()(
  {
    id: 'KeyWithSecret',
    examples: [{ ...EXAMPLE, key: 'mh_1a2b3c4d5e6f_2mEoHxAhJ1zv8pQyqkT3r5bXn0cWfLdGsUiVwYtRZa4' }],
  },
  {
    ...fields,
    key: z.string().describe('The secret key, to be sent as `Authorization: Bearer`. The key is never shown again.'),
  },
);

export const keyPage = pageOf('KeyPage', key);

/** The response schema of the caller's permissions. */
export const caller = z
  .object({
    actor: z
      .string()
      .describe(
        "The caller's name in the audit log: the id of a key, `admin` for the key from the settings, or " +
          '`anonymous` if no key is required.',
      ),
    scope: fields.scope,
    labels: fields.labels,
    key: key
      .nullable()
      .describe("The caller's key; `null` if the caller has no key or uses the key from the settings."),
  })
  .meta({
    id: 'Caller',
    examples: [{ actor: EXAMPLE.id, scope: EXAMPLE.scope, labels: EXAMPLE.labels, key: EXAMPLE }],
  });

export const keyParams = z.strictObject({
  id: z.string().meta({ ...component('KeyId'), description: 'Id of a key.', examples: [EXAMPLE.id] }),
});

/** The request body that creates a key. */
export function keyBody(config: ServerConfig, now: () => number) {
  return z
    .strictObject({
      name: z.string().min(1).max(config.maximumNameLength).describe(NAME_TEXT),
      scope: z.enum(SCOPES).describe(SCOPE_TEXT),
      labels: labelsField(config).default({}).describe(LABELS_TEXT),
      expires_at: z.iso
        .datetime({ offset: true, error: 'an RFC 3339 time is expected' })
        .refine((text) => !(Date.parse(text) <= now()), 'the time is in the past')
        .optional()
        .describe('Time at which the key expires. By default, the key never expires.'),
    })
    .refine(({ scope, labels }) => scope !== 'admin' || Object.keys(labels).length === 0, {
      path: ['labels'],
      message: 'a key with scope admin cannot have labels',
    })
    .meta({
      ...component('KeyCreate'),
      examples: [{ name: EXAMPLE.name, scope: EXAMPLE.scope, labels: EXAMPLE.labels, expires_at: EXAMPLE.expires_at }],
    });
}
