/**
 * Routes of the kinds of user sets: a campaign's seeds, its negatives and its suppression list, and the global
 * suppression list.
 */

import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import { JSON_TYPE, NDJSON_TYPE, TEXT_TYPE } from '../../lib/media-types.ts';
import { grouped } from '../../lib/text/counted.ts';
import { type StreamLimits, streamChunks } from '../audiences/stream/stream.ts';
import type { StreamSlot, StreamSlots, Turn } from '../audiences/stream/stream-slots.ts';
import type { ServerConfig } from '../config.ts';
import type { ServerDependencies } from '../dependencies.ts';
import { negotiate } from '../plugins/accept.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { textSchema } from '../plugins/json/fields.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { sendError } from '../problems/error-handler.ts';
import { applyUpload, type OpenTransfers, populationOf } from './apply-upload.ts';
import { SET_KINDS, type SetKind } from './set-kinds.ts';
import { UPLOAD_TYPES } from './upload-ids.ts';
import { refuseTooManyIds } from './user-id-list.ts';
import { uploadBody, uploadQuery, userSet } from './user-set.ts';

const CHANGES = [
  { how: 'replace', method: 'PUT', path: '', summary: 'Replace' },
  { how: 'add', method: 'POST', path: '/add', summary: 'Add users to' },
  { how: 'remove', method: 'POST', path: '/remove', summary: 'Remove users from' },
] as const;

export async function addUserSetRoutes(
  app: ServerApp,
  dependencies: ServerDependencies,
  transfers: OpenTransfers,
  streams: StreamSlots,
): Promise<void> {
  await app.register(async (scope: ServerApp) => {
    takeUploads(scope, dependencies.config);
    for (const kind of SET_KINDS) {
      addChanges(scope, dependencies, transfers, kind);
      addReads(scope, dependencies, streams, kind);
    }
  });
}

/** Accepts bodies that are not JSON, which the handler reads itself. */
function takeUploads(
  scope: Pick<ServerApp, 'addContentTypeParser' | 'setErrorHandler' | 'addHook'>,
  config: ServerConfig,
): void {
  scope.addContentTypeParser([...UPLOAD_TYPES], (_request, _body, done) => done(null, ''));
  scope.addHook('preValidation', async (request) =>
    refuseTooManyIds(request.body, 'user_ids', config.maximumInlineSeeds),
  );
  scope.setErrorHandler((error, request, reply) => {
    const isType = (error as { code?: unknown }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE';
    const types = `${UPLOAD_TYPES.join(', ')} or ${JSON_TYPE}`;
    const refusal = isType ? new AppError('unsupported_media_type', `the body must be ${types}`) : error;
    sendError(refusal, request, reply, config);
  });
}

function addChanges(app: ServerApp, dependencies: ServerDependencies, transfers: OpenTransfers, kind: SetKind): void {
  const { config } = dependencies;
  for (const { how, method, path, summary } of CHANGES) {
    app.route({
      method,
      url: `${kind.url}${path}`,
      ...describeRoute({
        config: { upload: true, class: 'upload' },
        operationId: `${how}${how === 'replace' ? kind.noun : kind.users}`,
        scope: 'write',
        tags: ['seeds'],
        summary: `${summary} ${kind.what}`,
        description:
          `${kind.about}Up to ${grouped(config.maximumUploadIds)} user ids as text, NDJSON or CSV, optionally ` +
          `with \`Content-Encoding: gzip\`, or ${grouped(config.maximumInlineSeeds)} in JSON. If a line is ` +
          'invalid or the connection breaks, nothing changes. The upload does not start an expansion; the next ' +
          'expansion uses the set as it is at that time. `sent` in the response shows how the ids of this ' +
          'request match the population, with hints if the ids were probably sent in another format.' +
          (how === 'remove' ? '' : NO_EMAILS),
        params: kind.params,
        querystring: uploadQuery,
        body: uploadBody(config, kind.field, () => dependencies.clock.now()),
        response: { 200: json('The match report.', userSet) },
        errors: ['too_few_known', ...kind.codes, 'consent_basis_differs', 'too_many_seeds'],
      }),
      handler: (request) => applyUpload(request, { owner: kind.ownerOf(request), how }, dependencies, transfers),
    });
  }
}

const NO_EMAILS =
  ' User ids are stored as they are. Therefore, an id that contains an e-mail address is refused if no user id of the ' +
  'population contains `@`: send it with `identifier` and `rule`.';

function addReads(app: ServerApp, dependencies: ServerDependencies, streams: StreamSlots, kind: SetKind): void {
  addReport(app, dependencies, kind);
  addRemoval(app, dependencies, kind);
  addUnknownUsers(app, dependencies, streams, kind);
}

function addReport(app: ServerApp, dependencies: ServerDependencies, kind: SetKind): void {
  const { store } = dependencies;
  const { params, url, what, noun, codes } = kind;
  app.get(
    url,
    describeRoute({
      operationId: `get${noun}`,
      scope: 'read',
      tags: ['seeds'],
      summary: `Get the match report of ${what}`,
      description:
        'Counts refer to the current population and suppression lists. If the set does not exist, all counts ' +
        'are 0.',
      params,
      response: { 200: json('The match report.', userSet) },
      errors: [...codes],
    }),
    async (request) => {
      const population = populationOf(dependencies);
      const report = await store.userSets.report(kind.ownerOf(request), population);
      return { ...report, populationVersion: population.version };
    },
  );
}

function addRemoval(app: ServerApp, { store }: ServerDependencies, kind: SetKind): void {
  const { params, url, what, noun, codes } = kind;
  app.delete(
    url,
    describeRoute({
      operationId: `delete${noun}`,
      scope: 'write',
      tags: ['seeds'],
      summary: `Delete ${what}`,
      params,
      response: { 204: { description: 'The resource was deleted.' } },
      errors: [...codes],
    }),
    async (request, reply) => {
      await store.userSets.clear(kind.ownerOf(request));
      return reply.code(204).send(null);
    },
  );
}

function addUnknownUsers(app: ServerApp, dependencies: ServerDependencies, streams: StreamSlots, kind: SetKind): void {
  const { config, store } = dependencies;
  const { params, url, what, users, codes } = kind;
  app.get(
    `${url}/unknown`,
    describeRoute({
      exposeHeadRoute: false,
      operationId: `listUnknown${users}`,
      scope: 'read',
      tags: ['seeds'],
      summary: `List the user ids in ${what} that are not in the population`,
      description: 'Streams the ids, sorted by UTF-16 code units. Plain text omits ids that contain a line break.',
      params,
      response: {
        200: {
          description: 'A stream of all unknown ids.',
          content: {
            [NDJSON_TYPE]: {
              schema: textSchema.meta({
                description: 'One JSON object with the field `user_id` per line.',
                examples: ['{"user_id":"u-77"}\n{"user_id":"u-78"}\n'],
              }),
            },
            [TEXT_TYPE]: {
              schema: textSchema.meta({ description: 'One user id per line.', examples: ['u-77\nu-78\n'] }),
            },
          },
        },
      },
      errors: [...codes, 'not_acceptable'],
    }),
    async (request, reply) => {
      const type = negotiate(request, [NDJSON_TYPE, TEXT_TYPE]);
      const slot = streams.take(request);
      try {
        const blocks = await store.userSets.unknownOf(kind.ownerOf(request), populationOf(dependencies));
        const untyped: FastifyReply = reply; // a stream has no schema
        return untyped.type(type).send(streamIds(type, blocks, config, streams.turn, slot));
      } catch (error) {
        slot.release();
        throw error;
      }
    },
  );
}

/**
 * Streams ids as they are found, as fast as the client reads. Errors in the first block are thrown, because an error
 * response is still possible then.
 */
function streamIds(
  type: typeof NDJSON_TYPE | typeof TEXT_TYPE,
  blocks: Generator<readonly string[], void, void>,
  limits: StreamLimits,
  turn: Turn,
  slot: StreamSlot,
): Readable {
  const format = type === TEXT_TYPE ? formatText : formatNdjson;
  const first = blocks.next();
  async function* chunks(): AsyncGenerator<string, void, void> {
    for (let block = first; !block.done; block = blocks.next()) {
      const text = format(block.value);
      if (text !== '') yield text;
      await turn();
    }
  }
  return streamChunks(chunks(), { gzip: false, limits, slot }, () => {
    blocks.return();
    slot.release();
  });
}

function formatText(userIds: readonly string[]): string {
  let text = '';
  for (const userId of userIds) if (!/[\r\n]/.test(userId)) text += `${userId}\n`;
  return text;
}

function formatNdjson(userIds: readonly string[]): string {
  let text = '';
  for (const userId of userIds) text += `{"user_id":${JSON.stringify(userId)}}\n`;
  return text;
}
