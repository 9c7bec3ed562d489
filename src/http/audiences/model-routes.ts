/** Route of a campaign's customised model: an ONNX file, or its manifest. */
import type { Audience } from '../../domain/types.ts';

import { campaignParams } from '../campaigns/params.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { negotiate } from '../plugins/accept.ts';
import { isMatch, sendNotModified } from '../plugins/conditional.ts';
import { streamBytes } from '../plugins/connections/byte-stream.ts';
import { createSlots } from '../plugins/connections/slots.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { JSON_TYPE } from '../plugins/media-types.ts';
import { describeRoute, notModified } from '../plugins/route.ts';
import { customisedManifestSchema, onnxSchema } from './model-schemas.ts';

/** What these routes call. */
export type ModelNeeds = Pick<ServerDependencies, 'config' | 'customisedModels' | 'served'> & {
  readonly store: Pick<ServerDependencies['store'], 'activeAudience' | 'expansion'>;
};

const ONNX_TYPE = 'application/octet-stream';
const MODEL_HEADERS = ['ETag', 'Vary', 'X-Audience-Version', 'X-Model-Version', 'Link'] as const;

const MODEL_ANSWER = {
  description: 'The model, or its manifest.',
  headers: [...MODEL_HEADERS, 'Content-Disposition'],
  content: { [ONNX_TYPE]: { schema: onnxSchema }, [JSON_TYPE]: { schema: customisedManifestSchema } },
} as const;

export function addModelRoutes(app: ServerApp, dependencies: ModelNeeds): void {
  const { config, store, customisedModels } = dependencies;
  const take = createSlots(config.maximumOpenModels, 'customised models are being built or sent');

  app.get(
    '/v1/campaigns/:id/model',
    {
      config: { class: 'computed' },
      exposeHeadRoute: false,
      schema: describeRoute({
        operationId: 'getCustomisedModel',
        scope: 'read',
        tags: ['audience'],
        summary: 'Download the customised model',
        description: describeModel(config),
        params: campaignParams,
        response: { 200: MODEL_ANSWER, 304: notModified(MODEL_HEADERS) },
        errors: ['campaign_not_found', 'model_not_stored', 'not_acceptable', 'audience_not_ready', 'model_unavailable'],
      }),
    },
    async (request, reply) => {
      const type = negotiate(request, [ONNX_TYPE, JSON_TYPE]);
      const audience = store.activeAudience(request.params.id);
      // the one that it was made with, which may not be the served one any more
      const { modelVersion } = store.expansion(audience.campaignId, audience.expansionId);
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
        const limits = { chunkBytes: config.modelChunkBytes, chunkMs: config.modelChunkMs };
        const stream = streamBytes(onnx, limits, release);
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

function describeModel(config: ModelNeeds['config']): string {
  return (
    'The model that ranked the audience, as an ONNX file that plain ONNX Runtime can run. It has the inputs ' +
    'of the general model (users and campaign, token ids by its vocabularies) and the output `score`. Its ' +
    'manifest is in the `metadata_props` of the file under `metaheac.manifest`, and can be requested alone ' +
    'as JSON: ' +
    "`campaign_inputs` are the campaign's features as inputs, and `left_out`, if not null, is a token that " +
    "must be removed from every user's list " +
    "to get the audience's scores (for a campaign that the model was trained on). Available only while the " +
    'general model that the audience was made with is served. ' +
    'The `ETag` contains audience and model version, which are also in `X-Audience-Version` and ' +
    '`X-Model-Version`; `If-None-Match` is supported. ' +
    `At most ${config.maximumOpenModels} at a time (503 with \`Retry-After\`).`
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
