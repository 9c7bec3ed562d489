/**
 * The table of error codes. A row has the status and title of problem responses (RFC 9457), the meaning of the code,
 * and advice.
 */
import { ACCESS_ROWS } from './access-error-codes.ts';
import type { ProblemRow } from './problem-row.ts';
import { REQUEST_ERRORS } from './request-errors.ts';
import { SENDING_ROWS } from './sending-error-codes.ts';
import { SERVICE_ROWS } from './service-error-codes.ts';
import { VERSION_ROWS } from './version-error-codes.ts';

const rows = {
  ...REQUEST_ERRORS,
  ...ACCESS_ROWS,
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    meaning: 'The route does not accept this path, query or body. Nothing was stored.',
    advice:
      'See `errors`. Each entry has a pointer (a JSON pointer into the body, or the name of a query, path or header ' +
      'parameter), the value, the limit if there is one, and a message. Correct these values before sending the request ' +
      'again. GET /v1/limits names the settings with which the operator can raise limits.',
  },
  unknown_feature: {
    status: 400,
    title: 'The model has no such campaign feature',
    meaning: 'The request names a feature that the served model (or population) does not have.',
    advice:
      '`known_features` lists the existing names; GET /v1/models/current describes the features. Check the ' +
      'spelling, or leave the feature out.',
  },
  unknown_filter: {
    status: 400,
    title: 'The population has no such user feature or token',
    meaning: 'A filter names a user feature, or a value of a feature, that the population does not have.',
    advice: 'GET /v1/populations/current lists the features, and links to the known values of each.',
  },
  unlabelled_category: {
    status: 400,
    title: 'The population has no labels for this category',
    meaning:
      'The request names a `category`, but the population labels no feature and no past campaign for it, so nothing ' +
      'would be excluded.',
    advice:
      '`labelled_categories` lists the categories that have labels. Label features (`excluded_for`) and past campaigns ' +
      '(`special_categories`) in the data set, and import the population again.',
  },
  excluded_filter: {
    status: 400,
    title: 'The campaign must not be filtered by this feature',
    meaning:
      'Users must not be selected by a feature or a past campaign that is excluded for the `category`, nor by the feature ' +
      'whose groups `four_fifths` compares.',
    advice: 'Remove the filter that `errors` names, or change the category or `four_fifths`.',
  },
  too_few_known: {
    status: 400,
    title: 'Too few user ids are known',
    meaning:
      'A smaller share of the user ids is in the population than `min_known_percent` requires. Nothing has changed.',
    advice:
      '`known`, `unknown`, `known_percent` and `unknown_examples` show what was found. `hints` names probable causes: ' +
      'a format other than the content type, spaces or quotes around ids, or UTF-16. Correct the file, or lower ' +
      '`min_known_percent` if the users in the file are really not in the population.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such route',
    meaning: 'No route has this path.',
    advice: 'Compare the path with /openapi.json; ids in a path must be percent-encoded.',
  },
  campaign_not_found: {
    status: 404,
    title: 'There is no such campaign',
    meaning: 'There is no campaign with this id. The campaign may have been deleted.',
    advice:
      'Use the id that POST /v1/campaigns returned. To find a campaign by your own id, use GET ' +
      '/v1/campaigns?external_id=.',
  },
  expansion_not_found: {
    status: 404,
    title: 'The campaign has no such expansion',
    meaning: 'The campaign has no expansion with this id.',
    advice: 'Use an id from the campaign; its `expansion_id` is the latest expansion.',
  },
  audience_not_found: {
    status: 404,
    title: 'The campaign has no such audience version',
    meaning: 'The campaign has no audience version with this number. It never existed, or retention removed it.',
    advice:
      'Request the active version, or a version from the list of audiences. If a difference that GET /v1/changes ' +
      'links to is gone, read the whole active audience instead.',
  },
  cut_not_found: {
    status: 404,
    title: 'The audience version has no such cut',
    meaning: 'The audience version has no cut with this name. Versions keep the cuts that they were created with.',
    advice: '`known_cuts` lists the names of the cuts of this version. Add a cut with PATCH /v1/campaigns/{id}.',
  },
  feature_not_found: {
    status: 404,
    title: 'There is no such feature',
    meaning: 'The path names a feature that the served model or population does not have.',
    advice: '`known_features` lists the existing names; percent-encode the name in the path.',
  },
  user_not_found: {
    status: 404,
    title: 'The user is not in the population',
    meaning: 'The user is not in the served population version.',
    advice: 'Compare the id byte by byte with the imported id, or import a population that contains the user.',
  },
  model_not_stored: {
    status: 404,
    title: 'The customised model was not stored',
    meaning: 'The audience version exists, but its customised model was not stored.',
    advice: 'Create a new expansion, whose model will be stored.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not support this method',
    meaning: 'The path exists, but does not support this method.',
    advice: 'Use one of the methods in the Allow header.',
  },
  not_acceptable: {
    status: 406,
    title: 'None of the accepted media types is available',
    meaning: 'The Accept header accepts none of the media types that the route can return.',
    advice: 'Accept one of the types named in the error, or send no Accept header.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    meaning: 'The request did not arrive completely within the time that the service allows.',
    advice: 'Send the request again, over a better connection or in smaller parts.',
  },
  external_id_taken: {
    status: 409,
    title: 'Another campaign has this external id',
    meaning: 'Another campaign has this external id, and external ids are unique.',
    advice: '`campaign_id` is the id of that campaign. Use that campaign, or choose another external id.',
  },
  consent_basis_differs: {
    status: 409,
    title: 'The list has another consent basis',
    meaning: 'Users cannot be added with this consent basis, because all users of a list have the same one.',
    advice:
      '`consent_basis` is the basis of the list, or `null`. If it applies to the users too, add them without naming ' +
      'a basis; otherwise, replace the list (PUT).',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'The idempotency key was used with another request',
    meaning:
      'A request with this Idempotency-Key, but with another body or to another route, was processed in the last 24 ' +
      'hours.',
    advice: 'Use a new key for a new request. Reuse a key only with exactly the same body.',
  },
  no_seeds: {
    status: 409,
    title: 'The campaign has no seeds yet',
    meaning: 'The campaign has no seeds yet, so it cannot be expanded.',
    advice: 'Add seeds first, then request the expansion again.',
  },
  expansion_ended: {
    status: 409,
    title: 'The expansion has already ended',
    meaning: 'The expansion has ended, so there is nothing to cancel.',
    advice: 'Nothing needs to be done; `state` says how the expansion ended.',
  },
  audience_not_ready: {
    status: 409,
    title: 'The campaign has no audience yet',
    meaning: 'The campaign has no finished expansion yet, or its only expansion ended without an audience.',
    advice:
      '`state` is the state of the latest expansion. If it is queued, adapting or scoring, try again later. If it is ' +
      "too_small or failed, the campaign's reason says what to change.",
  },
  no_holdout: {
    status: 409,
    title: 'Nobody in the audience is held out',
    meaning: 'The lift compares treated users with held-out users, and this version has no held-out users.',
    advice:
      'Set `holdout_percent` with PATCH /v1/campaigns/{id}, or ask for a `version` that holds out users (GET ' +
      '…/audiences lists them).',
  },
  ...VERSION_ROWS,
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    meaning: 'The body has more bytes than the route accepts.',
    advice: 'Send less in one request. The limit is in `errors`; GET /v1/limits lists the most important limits.',
  },
  too_many_seeds: {
    status: 413,
    title: 'There are too many seeds',
    meaning:
      'The request has more user ids than a JSON body, or a set of users (a file of ids), may contain, more users with ' +
      'features than a set of seeds may contain, or more users with an expiry than a suppression list may contain.',
    advice:
      'The limit is in `errors`. If there are too many ids for JSON, send a file: create the campaign with `seeds` ' +
      'null, upload the ids with PUT /v1/campaigns/{id}/seeds (text, NDJSON or CSV, optionally gzipped), then ' +
      'call POST …/expansions. If there are too many for a set, send fewer; GET /v1/limits names the setting with which ' +
      'the operator can raise the limit.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    meaning: 'The route does not accept bodies with this content type or content encoding (or without a type).',
    advice:
      'Send the body as application/json without Content-Encoding, or as documented for the route, with the matching ' +
      'headers.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    meaning: 'The headers of the request are larger than the service accepts.',
    advice: 'Send fewer or shorter headers; cookies are never needed.',
  },
  unavailable: {
    status: 503,
    title: 'The service is not ready',
    meaning:
      'The service is starting or closing, the maximum number of streams or models is open, or the disk has less ' +
      'free space than the reserve and new work is refused.',
    advice: 'Send the request again after Retry-After seconds. /readyz says which part is not ready.',
  },
  storage_failed: {
    status: 503,
    title: 'Data could not be stored or read',
    hidden: true,
    meaning:
      'The disk is full, a folder is read-only, a device fails, or a file is damaged; a damaged file is never ' +
      'served. All acknowledged data is kept.',
    advice: 'Try again later; the operator can find the cause in the log by the request id.',
  },
  database_lost: {
    status: 503,
    title: 'The database was removed or replaced while the service was running',
    hidden: true,
    meaning:
      'A file of the database was removed or replaced while the service had it open. Nothing more is written. ' +
      'All acknowledged data is saved, and reads still work.',
    advice: 'The operator must restart the service, which restores the saved data. Then send the request again.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong',
    hidden: true,
    meaning: 'A bug in the service, or an unexpected failure. Callers see no details.',
    advice: 'Report the request id to the operator, who can find the error in the log.',
  },
  ...SENDING_ROWS,
  ...SERVICE_ROWS,
} satisfies Readonly<Record<string, ProblemRow>>;

export type ErrorCode = keyof typeof rows;

export const PROBLEMS: Readonly<Record<ErrorCode, ProblemRow>> = rows;
