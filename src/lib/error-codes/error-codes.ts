/**
 * Every error code in one row: the status and title of its problems (RFC 9457), what it means and what to do about it.
 */
import { ACCESS_ROWS } from './access-error-codes.ts';
import type { ProblemRow } from './problem-row.ts';
import { REQUEST_ERRORS } from './request-errors.ts';
import { SERVICE_ROWS } from './service-error-codes.ts';

const rows = {
  ...REQUEST_ERRORS,
  ...ACCESS_ROWS,
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    meaning: 'The path, the query or the body is not what the route accepts. Nothing was stored.',
    advice:
      'Read errors: each entry has a pointer (a JSON pointer into the body, or the name of a query, path or ' +
      'header parameter), the value, the limit if there is one, and a message. Correct these and send the ' +
      'request again; unchanged it would fail again.',
  },
  unknown_feature: {
    status: 400,
    title: 'The model has no such campaign feature',
    meaning: 'The request names a feature that the served model (or population) does not have.',
    advice:
      'known_features lists the existing names; GET /v1/models/current has more about them. Check the ' +
      'spelling, or leave the feature out.',
  },
  unknown_filter: {
    status: 400,
    title: 'The population has no such user feature or token',
    meaning: 'A filter names a user feature, or a value of one, that the population does not have.',
    advice: 'GET /v1/populations/current lists the features, and links to the known values of each.',
  },
  too_few_known: {
    status: 400,
    title: 'Too few of the user ids are known',
    meaning:
      'A smaller share of the user ids is in the population than min_known_percent requires. Nothing has changed.',
    advice:
      'known, unknown, known_percent and unknown_examples say what was found, hints what is probably wrong: ' +
      'a format other than the content type says, spaces or quotes around ids, UTF-16. Correct the file, or ' +
      'lower min_known_percent if its users are really not in the population.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such route',
    meaning: 'No route has this path.',
    advice: 'Compare the path with /openapi.json; ids in it must be percent-encoded.',
  },
  campaign_not_found: {
    status: 404,
    title: 'There is no such campaign',
    meaning: 'There is no campaign with this id. It may have been deleted.',
    advice:
      'Use the id that POST /v1/campaigns returned. To find a campaign by your own id, use GET ' +
      '/v1/campaigns?external_id=.',
  },
  expansion_not_found: {
    status: 404,
    title: 'The campaign has no such expansion',
    meaning: 'The campaign has no expansion with this id.',
    advice: 'Use an id that the campaign returns: expansion_id is its latest one.',
  },
  audience_not_found: {
    status: 404,
    title: 'The campaign has no such audience version',
    meaning: 'The campaign has no audience version with this number: it never existed, or retention removed it.',
    advice:
      'Request the active version, or one from the list of audiences. If a difference that GET /v1/changes ' +
      'links to is gone, read the whole active audience instead.',
  },
  feature_not_found: {
    status: 404,
    title: 'There is no such feature',
    meaning: 'The path names a feature that the served model or population does not have.',
    advice: 'known_features lists the existing names; percent-encode the name in the path.',
  },
  user_not_found: {
    status: 404,
    title: 'The user is not in the population',
    meaning: 'The served population version does not have the user.',
    advice: 'Compare the id byte by byte with the imported one, or import a population that has the user.',
  },
  model_not_stored: {
    status: 404,
    title: 'The customised model was not stored',
    meaning: 'The audience version exists, but its customised model was not stored.',
    advice: 'Create a new expansion: its model is stored.',
  },
  webhook_not_found: {
    status: 404,
    title: 'There is no such webhook',
    meaning: 'There is no webhook with this id. It may have been deleted.',
    advice: 'GET /v1/webhooks lists the existing ones.',
  },
  delivery_not_found: {
    status: 404,
    title: 'The webhook has no such delivery',
    meaning: 'The webhook has no delivery with this id, or its retention period is over.',
    advice: "List the webhook's deliveries and use an id from there.",
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not have this method',
    meaning: 'The path exists, but not with this method.',
    advice: 'Use one of the methods in the Allow header.',
  },
  not_acceptable: {
    status: 406,
    title: 'None of the accepted media types is available',
    meaning: 'The Accept header accepts none of the media types that the route can return.',
    advice: 'Accept one of the types that the error names, or send no Accept header.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    meaning: 'The request did not arrive completely in the time that the service allows.',
    advice: 'Send it again, over a better connection or in smaller parts.',
  },
  external_id_taken: {
    status: 409,
    title: 'Another campaign has this external id',
    meaning: 'Another campaign has this external id, and external ids are unique.',
    advice: 'campaign_id is the campaign that has it: use that one, or choose another external id.',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'The idempotency key was used with another request',
    meaning:
      'A request with this Idempotency-Key and another body, or to another route, was processed in the last 24 hours.',
    advice: 'Use a new key for a new request. Reuse a key only with exactly the same body.',
  },
  no_seeds: {
    status: 409,
    title: 'The campaign has no seeds yet',
    meaning: 'The campaign has not been given any seeds yet, so it cannot be expanded.',
    advice: 'Add seeds first, then request the expansion again.',
  },
  expansion_ended: {
    status: 409,
    title: 'The expansion has already ended',
    meaning: 'The expansion has ended, so there is nothing to cancel.',
    advice: 'Nothing needs to be done: state says how it ended.',
  },
  audience_not_ready: {
    status: 409,
    title: 'The campaign has no audience yet',
    meaning: 'The campaign has no finished expansion yet, or its only one ended without an audience.',
    advice:
      'state says which: while it is queued, adapting or scoring, try again later; after too_small or failed ' +
      'the reason of the campaign says what to change.',
  },
  model_unavailable: {
    status: 409,
    title: 'The general model behind it is no longer served',
    meaning: 'The requested resource needs the general model that it was made with, and another one is now served.',
    advice: 'Create a new expansion with the served model (served_model_version), or serve model_version again.',
  },
  model_not_found: {
    status: 404,
    title: 'No such model version',
    meaning: 'The path names a version of the general model that the service does not have.',
    advice: 'GET /v1/models lists the versions; `metaheac model promote` adds one.',
  },
  model_rejected: {
    status: 409,
    title: 'The model cannot be served',
    meaning:
      'A file of it is damaged, it does not fit the population, or it failed in an expansion. Nothing has changed.',
    advice: 'Correct what the message names, and promote the model again.',
  },
  nothing_to_roll_back: {
    status: 409,
    title: 'There is nothing to roll back',
    meaning: 'The model in the path is not the one that is served, or none was served before it.',
    advice: 'served_model_version is the one that is served; activate the version that you want.',
  },
  population_not_found: {
    status: 404,
    title: 'No such population version',
    meaning: 'The path names a version that the population folder does not have.',
    advice: 'GET /v1/populations lists the versions.',
  },
  population_rejected: {
    status: 409,
    title: 'The population version cannot be served',
    meaning: 'A file of it is damaged, or it lacks a feature that the served model needs. Nothing has changed.',
    advice: 'Import the version again with `metaheac population import --model`; the message names what is wrong.',
  },
  population_unavailable: {
    status: 409,
    title: 'The population version behind it no longer exists',
    meaning: 'The resource needs the population version that it was made with, and that one no longer exists.',
    advice: 'Create a new expansion, which uses the population version that is now served.',
  },
  webhook_disabled: {
    status: 409,
    title: 'The webhook is disabled',
    meaning: 'The webhook is disabled, so nothing is sent to it.',
    advice: 'Enable it with PATCH first, then try again.',
  },
  too_many_webhooks: {
    status: 409,
    title: 'There are too many webhooks',
    meaning: 'The service has as many webhooks as it allows.',
    advice: 'Delete one that is not needed, or ask the operator for a higher limit.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    meaning: 'The body has more bytes than the route accepts.',
    advice: 'Send less at once. The limit is in errors; GET /v1/limits lists the most important ones.',
  },
  too_many_seeds: {
    status: 413,
    title: 'There are too many seeds',
    meaning: 'There are more user ids than one JSON body, or one set of users (a file of ids), may contain.',
    advice:
      'The limit is in errors. If there are too many for JSON, send a file: create the campaign with seeds ' +
      'null, upload them with PUT /v1/campaigns/{id}/seeds (text, NDJSON or CSV, also gzip), then POST ' +
      '…/expansions. If there are too many for a set, send fewer.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    meaning: 'The route does not accept bodies with this content type (or without one).',
    advice: 'Send the body as application/json with that Content-Type, or as another type that the route documents.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    meaning: 'The headers of the request are larger than the service accepts.',
    advice: 'Send fewer or shorter headers; cookies are never needed here.',
  },
  unavailable: {
    status: 503,
    title: 'The service is not ready',
    meaning:
      'The service is starting or closing, the maximum number of streams or models is open, or the disk has less ' +
      'room than its reserve and nothing new is taken.',
    advice: 'Send it again after Retry-After seconds. /readyz says which part is not ready.',
  },
  storage_failed: {
    status: 503,
    title: 'Data could not be stored or read',
    hidden: true,
    meaning:
      'A full disk, a read-only folder, a failing device, or a damaged file, which is never served. Whatever was ' +
      'acknowledged before is kept.',
    advice: 'Try again later; the operator can find the cause in the log under the request id.',
  },
  database_lost: {
    status: 503,
    title: 'The database was removed or replaced under the service',
    hidden: true,
    meaning:
      'A file of the database was removed or replaced while the service had it open. Nothing is written any more; what ' +
      'was acknowledged before is saved, and reads go on.',
    advice: 'The operator must start the service again, which takes what was saved. Then send it again.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong',
    hidden: true,
    meaning: 'A bug in the service, or an unexpected failure. Callers see no details.',
    advice: 'Report the request id to the operator, who can find the error in the log.',
  },
  ...SERVICE_ROWS,
} satisfies Readonly<Record<string, ProblemRow>>;

export type ErrorCode = keyof typeof rows;

export const PROBLEMS: Readonly<Record<ErrorCode, ProblemRow>> = rows;
