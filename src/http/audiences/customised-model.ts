/**
 * The route and the response schemas of a campaign's customised model, which is returned as an ONNX file or as its
 * manifest.
 */
import { z } from 'zod';
import type { Audience } from '../../domain/types.ts';
import { JSON_TYPE } from '../../lib/media-types.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { negotiate } from '../plugins/accept.ts';
import { createSlots } from '../plugins/connections/slots.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { featureValue } from '../plugins/json/fields.ts';
import { campaignParams } from '../plugins/params.ts';
import { isMatch, sendNotModified } from '../plugins/preconditions.ts';
import { describeRoute, notModified } from '../plugins/route.ts';
import { streamChunks } from './stream/stream.ts';

const onnxSchema = z
  .string()
  .meta({ contentMediaType: 'application/octet-stream' })
  .describe('An ONNX file, with the manifest in its `metadata_props` under `metaheac.manifest`.');

/** The manifest of a customised model, with the campaign's features as model inputs. */
const customisedManifest = z
  .object({
    contract_version: z.int().describe('Version of the format of this manifest.'),
    campaign_id: z.string(),
    audience_version: z.int().min(1),
    model_version: z.string().describe('Version of the general model.'),
    population_version: z.string(),
    campaign_features: z.record(z.string(), featureValue).describe('The features of the campaign by name.'),
    campaign_inputs: z
      .record(
        z.string(),
        z.object({
          shape: z.array(z.int().min(0)).readonly().describe('Dimensions of the input.'),
          data: z.array(z.number().nullable()).readonly().describe('The numbers in row-major order; `null` for NaN.'),
        }),
      )
      .describe(
        "The campaign's features as model inputs of one row: token ids (with lengths for lists) and numbers, `null` " +
          'for NaN. For inputs with one row per user, repeat this row for every user.',
      ),
    left_out: z
      .object({
        input: z.string().describe('Name of the model input.'),
        token: z.string().describe('The token, which is the external id of the campaign.'),
        id: z.int().min(1).describe('Id of the token in the vocabulary of the general model.'),
      })
      .nullable()
      .describe(
        "The token of this campaign, if the model was trained on the campaign. To get the audience's scores, " +
          "remove `id` from each user's list in `input` before cutting the list to its maximum length, and let " +
          '`.length` count the remaining tokens. `null` if there is nothing to remove.',
      ),
    general_model: z
      .record(z.string(), z.unknown())
      .describe(
        'The manifest of the general model: features, vocabulary sizes, and the sha256 hash of each file. The ' +
          'golden batch and the evaluation in this manifest refer to the general model.',
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

const ONNX_TYPE = 'application/octet-stream';
const MODEL_HEADERS = ['ETag', 'Vary', 'X-Audience-Version', 'X-Model-Version', 'Link'] as const;

const MODEL_ANSWER = {
  description: 'The customised model, or its manifest.',
  headers: [...MODEL_HEADERS, 'Content-Disposition'],
  content: { [ONNX_TYPE]: { schema: onnxSchema }, [JSON_TYPE]: { schema: customisedManifest } },
} as const;

export function addModelRoutes(app: ServerApp, dependencies: ServerDependencies): void {
  const { config, store, customisedModels } = dependencies;
  const take = createSlots(config.maximumOpenModels, 'customised models are being built or sent');

  app.get(
    '/v1/campaigns/:id/model',
    describeRoute({
      config: { class: 'computed' },
      exposeHeadRoute: false,
      operationId: 'getCustomisedModel',
      scope: 'read',
      tags: ['audience'],
      summary: 'Download the customised model',
      description: describeModel(config),
      params: campaignParams,
      response: { 200: MODEL_ANSWER, 304: notModified(MODEL_HEADERS) },
      errors: ['campaign_not_found', 'model_not_stored', 'not_acceptable', 'audience_not_ready', 'model_unavailable'],
    }),
    async (request, reply) => {
      const type = negotiate(request, [ONNX_TYPE, JSON_TYPE]);
      const audience = await store.activeAudience(request.params.id);
      // the general model that was customised, which may no longer be the served model
      const { modelVersion } = await store.expansion(audience.campaignId, audience.expansionId);
      const pinned = modelVersion ?? dependencies.served().model.version;
      const headers = headersOf(audience, pinned, type === ONNX_TYPE ? 'onnx' : 'json');
      if (isMatch(request.headers['if-none-match'], headers.etag)) return sendNotModified(reply.headers(headers));
      const release = take();
      try {
        if (type === JSON_TYPE) {
          const manifest = await customisedModels.manifest(audience);
          release();
          return reply.headers(headers).type(JSON_TYPE).send(manifest);
        }
        const onnx = await customisedModels.onnx(audience);
        const limits = { ...config, streamStallMs: config.modelChunkMs };
        const stream = streamChunks(chunksOf(onnx, config.modelChunkBytes, release), { gzip: false, limits }, release);
        const disposition = `attachment; filename="customised-${audience.campaignId}-v${audience.version}.onnx"`;
        return reply
          .headers({ ...headers, 'content-length': onnx.length, 'content-disposition': disposition })
          .type(ONNX_TYPE)
          .send(stream as never);
      } catch (error) {
        release();
        throw error;
      }
    },
  );
}

/** The chunks of a file in memory; `release` is called after the last one, before the client sees the end. */
async function* chunksOf(bytes: Uint8Array, size: number, release: () => void): AsyncGenerator<Uint8Array> {
  // a copy: a view held by the socket would keep the whole file in memory
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  release();
}

function describeModel(config: ServerDependencies['config']): string {
  return (
    'The model that ranked the audience, as an ONNX file that plain ONNX Runtime can run. It has the inputs of ' +
    'the general model (users and campaign, as token ids of its vocabularies) and the output `score`. The ' +
    'manifest is in `metadata_props` of the file under `metaheac.manifest`, and is returned alone if JSON is ' +
    "requested. `campaign_inputs` in the manifest contains the campaign's features as model inputs. If the " +
    "model was trained on this campaign, `left_out` is a token that must be removed from every user's list to " +
    "get the audience's scores. The customised model is available only while the general model that ranked the " +
    'audience is served. The `ETag` contains the audience version and the model version, which are also in ' +
    '`X-Audience-Version` and `X-Model-Version`. `If-None-Match` is supported. The maximum number of ' +
    `simultaneous downloads is ${config.maximumOpenModels}; further requests get 503 with \`Retry-After\`.`
  );
}

function headersOf({ campaignId, version }: Audience, modelVersion: string, form: 'onnx' | 'json') {
  return {
    vary: 'accept',
    etag: `"${version}-${modelVersion}-${form}"`,
    'x-audience-version': version,
    'x-model-version': modelVersion,
    link: `</v1/campaigns/${campaignId}/model>; rel="describedby"; type="${JSON_TYPE}"`,
  };
}
