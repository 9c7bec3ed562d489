/** The shapes of a customised model's responses. */
import { z } from 'zod';
import { featureValue } from '../plugins/json/fields.ts';

export const onnxSchema = z
  .string()
  .meta({ contentMediaType: 'application/octet-stream' })
  .describe('An ONNX file, with the manifest in its `metadata_props` under `metaheac.manifest`.');

/** Describes a customised model, and how the campaign is fed to it. */
export const customisedManifestSchema = z
  .object({
    contract_version: z.int(),
    campaign_id: z.string(),
    audience_version: z.int().min(1),
    model_version: z.string().describe('Version of the general model.'),
    population_version: z.string(),
    campaign_features: z.record(z.string(), featureValue),
    campaign_inputs: z
      .record(
        z.string(),
        z.object({ shape: z.array(z.int().min(0)).readonly(), data: z.array(z.number().nullable()).readonly() }),
      )
      .describe(
        "The campaign's features as inputs of one row: token ids and, for lists, lengths; numbers, null for NaN. " +
          'Repeat the row if the input has one per user.',
      ),
    left_out: z
      .object({ input: z.string(), token: z.string(), id: z.int().min(1) })
      .nullable()
      .describe(
        "The token of this very campaign, if the model was trained on it. The scores match the audience's if " +
          "`id` is removed from each user's list in " +
          '`input` before the list is cut to its maximum length, and `.length` counts the remaining tokens. ' +
          'null: there is nothing to remove.',
      ),
    general_model: z
      .record(z.string(), z.unknown())
      .describe(
        "The general model's manifest: features, vocabulary sizes, sha256 of its files. Golden batch and " +
          'evaluation refer to the general model.',
      ),
  })
  .meta({
    id: 'CustomisedManifest',
    examples: [
      {
        contract_version: 1,
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        audience_version: 1,
        model_version: '0123456789ab',
        population_version: 'ba9876543210',
        campaign_features: { category: 'shoes' },
        campaign_inputs: { 'campaign.category': { shape: [1], data: [3] } },
        left_out: { input: 'user.past_campaigns', token: 'shoes-2026-autumn', id: 7 },
        general_model: { contract_version: 1, name: 'metaheac', version: '0123456789ab' },
      },
    ],
  });
