/**
 * Every error code in one row: the status and title of its problems (RFC 9457), what it means and what to do about it.
 */

/** The statuses of error answers. */
export type ProblemStatus = 400 | 401 | 404 | 405 | 406 | 408 | 409 | 413 | 415 | 431 | 500 | 503;

export interface ProblemRow {
  readonly status: ProblemStatus;
  readonly title: string;
  /** The answer holds a request id only: what went wrong is the operator's business, and in the log. */
  readonly hidden?: true;
  /** With `advice` the text of the page at `/docs/errors/<code>`. */
  readonly meaning: string;
  readonly advice: string;
}

/**
 * A code of the service's own files and settings: callers see it only if the service was started with a torn or altered
 * folder.
 */
function ofTheService(what: string, advice: string): ProblemRow {
  const meaning = `${what} The answer says no more; the log of the service does, under the request id.`;
  return { status: 500, title: 'Something went wrong', hidden: true, meaning, advice };
}

const rows = {
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    meaning: 'The path, the query or the body is not what the route takes. Nothing was stored.',
    advice:
      'Read errors: each entry has a pointer (a JSON pointer into the body, or the name of a query, ' +
      'path or header field), the value, the limit where there is one, and a message. Correct these ' +
      'and send the request again; sent unchanged it fails again.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    meaning: 'The cursor was not given by this list, or points at what is no longer kept.',
    advice: 'Pass next_cursor exactly as it came, to the same route, or begin again without a cursor.',
  },
  unknown_feature: {
    status: 400,
    title: 'The model has no such campaign feature',
    meaning: 'The request names a feature that the served model (or population) does not have.',
    advice:
      'known_features lists the names that there are; GET /v1/models/current says more. Check the ' +
      'spelling, or leave the feature out.',
  },
  webhook_url_refused: {
    status: 400,
    title: 'Nothing is sent to this URL',
    meaning: 'Webhooks are not sent to this URL: it is not https, or its host is not public.',
    advice:
      'Use an https URL of a public host. Whoever runs the service can allow other hosts with ' +
      'METAHEAC_WEBHOOK_ALLOWED_HOSTS.',
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
      'Less of the user ids that were sent are in the population than min_known_percent asks for. Nothing has changed.',
    advice:
      'known, unknown, known_percent and unknown_examples say what was found, hints what is probably ' +
      'wrong: another format than the content type says, spaces or quotes around ids, UTF-16. Correct ' +
      'the file, or ask for less where its users are really not in the population.',
  },
  unauthorized: {
    status: 401,
    title: 'An API key is needed',
    meaning: 'The service was started with an API key, and the request has none or another one.',
    advice: 'Send Authorization: Bearer <key>. The key is what the operator set as METAHEAC_API_KEY.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such route',
    meaning: 'No route has this path.',
    advice: 'Compare the path with /openapi.json; ids in it have to be percent-encoded.',
  },
  campaign_not_found: {
    status: 404,
    title: 'There is no such campaign',
    meaning: 'There is no campaign of this id. It may have been deleted.',
    advice:
      'Use the id that POST /v1/campaigns answered. By your own id a campaign is found with GET ' +
      '/v1/campaigns?external_id=.',
  },
  expansion_not_found: {
    status: 404,
    title: 'The campaign has no such expansion',
    meaning: 'The campaign has no expansion of this id.',
    advice: 'Use an id that the campaign answers: expansion_id is its latest one.',
  },
  audience_not_found: {
    status: 404,
    title: 'The campaign has no such audience version',
    meaning: 'The campaign has no audience version of this number: it was never made, or retention removed it.',
    advice:
      'Ask for the active version, or for one of those that the list of audiences shows. Where the ' +
      'difference that GET /v1/changes names is gone, read the active audience whole instead.',
  },
  feature_not_found: {
    status: 404,
    title: 'There is no such feature',
    meaning: 'The path names a feature that the served model or population does not have.',
    advice: 'known_features lists the names that there are; percent-encode the name in the path.',
  },
  user_not_found: {
    status: 404,
    title: 'The user is not in the population',
    meaning: 'The population version that is served does not have the user.',
    advice: 'Compare the id byte by byte with the imported one, or import a population that has the user.',
  },
  model_not_stored: {
    status: 404,
    title: 'The customised model was not kept',
    meaning: 'The audience version exists, but its customised model was not kept.',
    advice: 'Make a new expansion: its model is kept.',
  },
  webhook_not_found: {
    status: 404,
    title: 'There is no such webhook',
    meaning: 'There is no webhook of this id. It may have been deleted.',
    advice: 'GET /v1/webhooks lists those that there are.',
  },
  delivery_not_found: {
    status: 404,
    title: 'The webhook has no such delivery',
    meaning: 'The webhook has no delivery of this id, or its retention has ended.',
    advice: "List the webhook's deliveries and use an id from there.",
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not have this method',
    meaning: 'The path exists and does not have this method.',
    advice: 'Use one of the methods in the Allow header.',
  },
  not_acceptable: {
    status: 406,
    title: 'None of the accepted media types can be given',
    meaning: 'The Accept header takes none of the media types that the route can give.',
    advice: 'Accept one of the types that the error names, or send no Accept header.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    meaning: 'The request did not arrive whole in the time that the service waits for one.',
    advice: 'Send it again, over a better connection or in smaller parts.',
  },
  external_id_taken: {
    status: 409,
    title: 'Another campaign has this external id',
    meaning: 'Another campaign has this external id, and no two campaigns have the same.',
    advice: 'campaign_id names the campaign that has it: use that one, or choose another external id.',
  },
  idempotency_key_reused: {
    status: 409,
    title: 'The idempotency key came with another body',
    meaning: 'A request with this Idempotency-Key and another body was answered in the last 24 hours.',
    advice: 'Send a new key with a new request. A key is only sent again with the very same body.',
  },
  no_seeds: {
    status: 409,
    title: 'The campaign has no seeds yet',
    meaning: 'The campaign was given no seeds yet, so it cannot be expanded.',
    advice: 'Give it seeds first, then ask for the expansion again.',
  },
  expansion_ended: {
    status: 409,
    title: 'The expansion has ended already',
    meaning: 'The expansion has ended, so there is nothing to cancel.',
    advice: 'Nothing has to be done: state says how it ended.',
  },
  audience_not_ready: {
    status: 409,
    title: 'The campaign has no audience yet',
    meaning: 'The campaign has no finished expansion yet, or its only one ended without an audience.',
    advice:
      'state says which: while it is queued, adapting or scoring, ask again later; after too_small or ' +
      'failed the reason of the campaign says what to change.',
  },
  model_unavailable: {
    status: 409,
    title: 'The general model behind it is not served any more',
    meaning: 'What is asked for needs the general model that it was made with, and another one is served now.',
    advice: 'Make a new expansion with the served model (served_model_version), or serve model_version again.',
  },
  population_unavailable: {
    status: 409,
    title: 'The population version behind it is not there any more',
    meaning:
      'What is asked for needs the population version that it was made with, and that one is not there any more.',
    advice: 'Make a new expansion, which takes the population version that is served now.',
  },
  webhook_disabled: {
    status: 409,
    title: 'The webhook is disabled',
    meaning: 'The webhook is disabled, so nothing is sent to it.',
    advice: 'Enable it with PATCH first, then ask again.',
  },
  too_many_webhooks: {
    status: 409,
    title: 'There are too many webhooks',
    meaning: 'The service has as many webhooks as it allows.',
    advice: 'Delete one that is not needed, or ask whoever runs the service for a higher limit.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    meaning: 'The body has more bytes than the route takes.',
    advice: 'Send less at once. The limit is in errors; GET /v1/limits lists those that are set most often.',
  },
  too_many_seeds: {
    status: 413,
    title: 'There are too many seeds',
    meaning:
      'There are more user ids than one JSON body may hold, or more than a set of users may: a file of ' +
      'seeds or of suppressed users.',
    advice:
      'The limit is in errors. What is too many for JSON is taken as a file: create the campaign with ' +
      'seeds null, send them by PUT /v1/campaigns/{id}/seeds (text, NDJSON or CSV, also gzip), then ' +
      'POST …/expansions. What is too many for a set has to be fewer.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    meaning: 'The route does not read bodies of this content type (or of none).',
    advice: 'Send the body as application/json with that Content-Type, or as another type that the route documents.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    meaning: 'The headers of the request are larger than the service reads.',
    advice: 'Send fewer or shorter headers; cookies are never needed here.',
  },
  unavailable: {
    status: 503,
    title: 'The service is not ready',
    meaning:
      'The service cannot take the request now: it is starting or closing, or as many streams or ' +
      'models as it allows are open.',
    advice: 'Send it again after Retry-After seconds. /readyz says which part is not ready.',
  },
  storage_failed: {
    status: 503,
    title: 'Data could not be stored or read',
    hidden: true,
    meaning:
      'Data could not be written or read: a full disk, a read-only folder, a failing device. What was ' +
      'acknowledged before is kept.',
    advice: 'Try again later; whoever runs the service finds the cause in its log under the request id.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong',
    hidden: true,
    meaning: 'A bug of the service, or a failure that it did not foresee. No detail is shown to callers.',
    advice: 'Report the request id to whoever runs the service: the log has the error under it.',
  },
  invalid_argument: ofTheService(
    'The service, or a command of it, was given a value that it cannot use.',
    'Whoever runs the service corrects its settings.',
  ),
  invalid_data: ofTheService(
    'A data set, or the source of a population, does not have the expected form.',
    'Whoever runs the service corrects the file that the log names.',
  ),
  invalid_population: ofTheService(
    'A file of the population is missing, torn or altered.',
    'Whoever runs the service imports the population again.',
  ),
  invalid_graph: ofTheService(
    'An ONNX graph cannot be read, typed or differentiated.',
    'Whoever runs the service serves a model that passes metaheac model verify.',
  ),
  invalid_model: ofTheService(
    'A model folder is torn, altered or does not keep the contract.',
    'Whoever runs the service serves a model that passes metaheac model verify.',
  ),
  device_unavailable: ofTheService(
    'The device that the engine was told to use cannot be used.',
    'Whoever runs the service sets another METAHEAC_DEVICE, or repairs the one that is set.',
  ),
} satisfies Readonly<Record<string, ProblemRow>>;

export type ErrorCode = keyof typeof rows;

export const PROBLEMS: Readonly<Record<ErrorCode, ProblemRow>> = rows;
