/** Routes and response schemas of receipts and of the key that signs them. */
import { z } from 'zod';
import { CONSENT_BASES } from '../../domain/consent.ts';
import { RECEIPT_FORMAT, type Receipt, type ReceiptKey, SIGNATURE_ALGORITHM } from '../../domain/receipts.ts';
import { category } from '../campaigns/inputs.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { computedWith } from '../expansions/expansion.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, externalIdText, featureValue, time, timeText } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { versionParams } from './queries.ts';

const KEY_ID = '4f1c0a9be8d27536';
const sum = z.string().meta({ pattern: '^[0-9a-f]{64}$' });
const SUM = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

const EXAMPLE: Receipt = {
  format: RECEIPT_FORMAT,
  campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
  expansion_id: '0193634e-6a01-7d0e-9f3b-5d2c8f4b1e22',
  made_at: '2026-11-26T12:00:00.000Z',
  inputs: {
    external_id: 'shoes-2026-autumn',
    features: { category: 'shoes' },
    filters: { country: ['DE'] },
    negative_weight: 1,
    sets: { seeds: SUM, suppression: SUM },
    model: { version: '0123456789ab', sha256: SUM },
    population: { version: 'ba9876543210', sha256: SUM, erased: { users: 0, sha256: SUM } },
  },
  consent_bases: { seeds: 'consent' },
  plan_key: SUM,
  candidates: 98_700,
  erased_while_ranking: 0,
  outputs: { scores: SUM, order: SUM, parameters: SUM },
  computed_with: {
    metaheac: '1.0.0',
    onnxruntime: '1.30.0',
    device: 'cpu',
    batch_size: 1024,
    processor: { architecture: 'x64', features: ['avx2', 'fma'] },
    golden_sha256: SUM,
  },
  signature: { algorithm: SIGNATURE_ALGORITHM, key_id: KEY_ID, value: 'b2Nrc2lnbmF0dXJl' },
};

const receipt = z
  .object({
    format: z.literal(RECEIPT_FORMAT),
    campaign_id: z.string(),
    expansion_id: z.string().describe('The expansion that made the ranking.'),
    made_at: timeText.describe('Time at which the ranking was completed.'),
    inputs: z
      .object({
        external_id: externalIdText,
        features: z.record(z.string(), featureValue).describe('The campaign features by name.'),
        filters: z.record(z.string(), z.unknown()).describe('The filters by user feature, as in the campaign.'),
        negative_weight: z.number().describe('Weight of an explicit negative; a sampled negative has weight 1.'),
        excluded: z
          .object({
            category,
            features: z.array(z.string()).readonly().describe('Names of the excluded user features.'),
            campaigns: z.array(z.string()).readonly().describe('External ids of the excluded past campaigns.'),
          })
          .optional()
          .describe("What the campaign's category excludes: names of user features, and ids of past campaigns."),
        four_fifths: z
          .string()
          .optional()
          .describe('The user feature whose groups were ranked by the four-fifths rule.'),
        sets: z
          .record(z.string(), sum)
          .describe(
            'The SHA-256 hash of each user set of the expansion: `seeds`, `negatives`, `suppression`, ' +
              '`common_suppression` (the global suppression list), `positives` and `dismissed` (both from feedback). A ' +
              'set that the expansion did not use is absent.',
          ),
        model: z.object({
          version: z.string().describe('Version of the general model.'),
          sha256: sum.describe(
            'SHA-256 of the canonical JSON (RFC 8785) of `manifest.json` without `version` and `created`. The manifest ' +
              'contains the hash of every other file of the model.',
          ),
        }),
        population: z.object({
          version: z.string().describe('Version of the population.'),
          sha256: sum.describe(
            'SHA-256 of the canonical JSON of `population.json` without `version`. It contains the hash of every file.',
          ),
          erased: z
            .object({
              users: count.describe('Number of these users.'),
              sha256: sum.describe('SHA-256 of their user numbers in ascending order, each on a line.'),
            })
            .describe('The users of this population version who were erased before the ranking began.'),
        }),
      })
      .describe('Everything that the ranking depends on.'),
    consent_bases: z
      .record(z.string(), z.enum(CONSENT_BASES))
      .optional()
      .describe(
        'The consent basis of each user set that had one when the expansion was created. The ranking does not depend ' +
          'on it.',
      ),
    plan_key: sum.describe('The seed of all random numbers: a hash of the inputs.'),
    candidates: count.describe('Number of users in the ranking.'),
    erased_while_ranking: count.describe(
      'Number of users who were erased during the ranking and are not in it. Unless it is 0, the ranking cannot be ' +
        'reproduced.',
    ),
    outputs: z
      .object({
        scores: sum.describe(
          'SHA-256 of `scores.f32`: the score of each user as a float32, by user number; NaN if not ranked.',
        ),
        order: sum.describe('SHA-256 of `order.u32`: the user numbers as uint32, best user first.'),
        parameters: sum.describe('SHA-256 of `customised.bin`: the parameters of the customised model.'),
      })
      .describe('Hashes of the files of the ranking, in `audiences/<campaign_id>/<expansion_id>` of the data folder.'),
    computed_with: z
      .object({
        metaheac: z.string().describe('Version of the service.'),
        onnxruntime: z.string().describe('Version of ONNX Runtime.'),
        device: computedWith.device,
        batch_size: computedWith.batch_size,
        processor: z.object({
          architecture: z.string().describe('Architecture of the processor, such as `x64` or `arm64`.'),
          features: z
            .array(z.string())
            .readonly()
            .describe('Instruction sets of the processor that may affect rounding; empty if they are not known.'),
        }),
        golden_sha256: sum.describe(
          "The hash of the scores that this processor computes for the model's golden batch.",
        ),
      })
      .describe('Software, processor and settings. With others, scores may be rounded differently.'),
    signature: z
      .object({
        algorithm: z.literal(SIGNATURE_ALGORITHM),
        key_id: z.string().describe('Id of the key, as in `GET /v1/receipts/key`.'),
        value: z.string().describe('The signature in base64.'),
      })
      .describe('The signature of the canonical JSON (RFC 8785) of the receipt without the field `signature`.'),
  })
  .meta({ id: 'Receipt', examples: [EXAMPLE] });

const receiptKey = answerOf<ReceiptKey>()(
  {
    id: 'ReceiptKey',
    examples: [
      {
        ...{ key_id: KEY_ID, algorithm: SIGNATURE_ALGORITHM, created_at: '2026-11-26T12:00:00.000Z' },
        public_key:
          '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n' +
          '-----END PUBLIC KEY-----\n',
      },
    ],
  },
  {
    key_id: z.string().describe('The first 16 hex digits of the SHA-256 hash of the public key in DER.'),
    algorithm: z.literal(SIGNATURE_ALGORITHM),
    public_key: z.string().describe('The public key in PEM (SubjectPublicKeyInfo).'),
    created_at: time,
  },
  { key_id: ({ id }) => id, algorithm: () => SIGNATURE_ALGORITHM },
);

export function addReceiptRoutes(app: ServerApp, { store }: ServerDependencies): void {
  app.get(
    '/v1/campaigns/:id/audiences/:version/receipt',
    describeRoute({
      operationId: 'getReceipt',
      scope: 'read',
      tags: ['audience'],
      summary: 'Get the signed receipt of an audience version',
      description:
        'Contains hashes of what the ranking was made from (seeds, lists, model and population) and of the ranking ' +
        'itself, and how it was computed. It is signed with the key of this installation. Versions of the same ' +
        'ranking have the same receipt. `verify-receipt.mjs` verifies a receipt offline, and `metaheac reproduce` ' +
        'makes the same ranking from the same inputs or reports which input differs.',
      params: versionParams,
      response: { 200: json('The receipt.', receipt) },
      errors: ['campaign_not_found', 'audience_not_found'],
    }),
    async ({ params: { id, version } }) => store.receipts.receiptOf(id, version),
  );

  app.get(
    '/v1/receipts/key',
    describeRoute({
      operationId: 'getReceiptKey',
      scope: 'read',
      labels: 'heeded',
      tags: ['audience'],
      summary: 'Get the public key that verifies receipts',
      description:
        'The key is created when it is first needed, and belongs to this installation (all nodes of a cluster have ' +
        'the same key). Keep a copy of the public key where the operator of the service cannot change it.',
      response: { 200: json('The public key.', receiptKey) },
    }),
    async () => store.receipts.key(),
  );
}
