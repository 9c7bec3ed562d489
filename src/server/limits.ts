/** Every limit of the service in words, with the environment variable that sets it: what `GET /v1/limits` answers. */
import { KEY_LIFETIME_MS } from '../campaigns/idempotency.ts';
import type { ServerConfig } from './config.ts';
import { MAXIMUM_JSON_DEPTH } from './json-text.ts';

/** The limits: those settings of a server that are numbers. */
export type LimitName = {
  [Name in keyof ServerConfig]: ServerConfig[Name] extends number ? Name : never;
}[keyof ServerConfig];

/** A line for each limit; a missing one does not compile. */
const DESCRIPTIONS: { readonly [Name in LimitName]: string } = {
  bodyLimitBytes: 'Bytes of a JSON body.',
  maximumInlineSeeds: 'Seeds in one JSON body.',
  maximumUploadIds: 'User ids of one file of seeds or suppressed users.',
  maximumUploadBytes: 'Bytes of such a file, unpacked.',
  maximumUploadLineBytes: 'Bytes of one line of it.',
  maximumOpenUploads: 'Large files that are read at one time; one more is answered 503.',
  smallUploadBytes: 'Bytes, unpacked, of the largest file that does not count as large.',
  maximumOpenSmallUploads: 'Small files and JSON lists that are applied at one time; others wait.',
  maximumWaitingUploads: 'Small files and JSON lists that wait for that; one more is answered 503.',
  smallUploadWaitMs: 'Milliseconds that they wait; then they are answered 503.',
  uploadStallMs: 'Milliseconds that an upload may send nothing; over as much waiting its rate is measured.',
  minimumUploadBytesPerSecond: 'Bytes a second that an upload has to send.',
  maximumUploadMs: 'Milliseconds that an upload may take.',
  minimumSeeds: 'Known seeds that an expansion needs; with fewer it ends as too_small.',
  leaseMs: 'Milliseconds for which an expansion is held without a sign of life before it is begun again.',
  maximumAttempts: 'Attempts at an expansion; then it has failed.',
  openRankings: 'Rankings that are kept open for look-ups.',
  maximumUserIdBytes: 'Bytes of a user id, in UTF-8.',
  maximumExternalIdBytes: "Bytes of a campaign's external id, in UTF-8.",
  maximumNameLength: "Characters of a campaign's name.",
  maximumCampaignFeatures: 'Features that a campaign names.',
  maximumFeatureValues: 'Values of one multi-valued campaign feature.',
  maximumFeatureValueLength: 'Characters of one value of a campaign feature.',
  maximumLabels: 'Labels of a campaign.',
  maximumLabelLength: "Characters of a label's key, and of its text.",
  maximumFilterFeatures: "Features that a campaign's filters name.",
  maximumFilterTokens: 'Tokens of one feature in a filter.',
  maximumFeedbackEvents: 'Events of one feedback request.',
  maximumFeedbackAheadMs: "Milliseconds that the time of an event may be ahead of the service's clock.",
  retainedVersions: 'Audience versions of a campaign that are kept beside the active one.',
  retainedDays: 'Days that these are kept.',
  maximumPageSize: 'Users of one page of an audience.',
  defaultPageSize: 'Users of a page of an audience where no limit is given.',
  maximumCampaignPageSize: 'Campaigns of one page.',
  defaultCampaignPageSize: 'Campaigns of a page where no limit is given.',
  maximumVersionPageSize: 'Audience versions of one page.',
  defaultVersionPageSize: 'Audience versions of a page where no limit is given.',
  maximumUserAudiencePageSize: 'Audiences of a user in one page.',
  defaultUserAudiencePageSize: 'Audiences of a user in a page where no limit is given.',
  maximumBatchMembers: 'Users of one batch of membership look-ups.',
  maximumValuePageSize: 'Known values of a feature in one page.',
  defaultValuePageSize: 'Known values of a page where no limit is given.',
  maximumValueScan: 'Known values that one search looks at; its page may be short, and the cursor goes on.',
  streamChunkRows: 'Rows that a stream reads and sends at once.',
  maximumOpenStreams: 'Streams of audiences and differences at one time; one more is answered 503.',
  streamStallMs: 'Milliseconds that a client may take for one chunk of a stream.',
  maximumStreamMs: 'Milliseconds that a client may take for a whole stream.',
  parquetRowGroupRows: "Rows of a Parquet file's row group.",
  maximumOpenExplanations: 'Explanations that are made at one time; one more is answered 503.',
  keptExplanations: 'Explanations that are kept in memory.',
  maximumExplanationTokens: 'Tokens of one feature in an explanation.',
  defaultExplanationTokens: 'Tokens of one feature in an explanation where no limit is given.',
  minimumDisparityGroupUsers: 'Users that a group of a sensitive feature needs to be compared.',
  minimumDisparityPercent: 'Per cent of the highest selection rate below which the lowest has a warning.',
  maximumOpenModels: 'Customised models that are made or sent at one time; one more is answered 503.',
  modelChunkBytes: 'Bytes of a customised model that are sent at once.',
  modelChunkMs: 'Milliseconds that a client may take for one of these chunks.',
  estimateTimeMs: 'Milliseconds that an estimate may take; what is not known by then is left out.',
  maximumEstimateSeeds: 'Seeds that an estimate looks at; of more, as many are drawn.',
  maximumEstimateCandidates: 'Random users that an estimate looks at.',
  maximumWebhooks: 'Webhooks.',
  maximumWebhookUrlLength: "Characters of a webhook's URL.",
  webhookParallelCalls: 'Calls to one webhook at one time.',
  webhookPollMs: 'Milliseconds between two looks for deliveries that are due.',
  webhookTimeoutMs: 'Milliseconds that one attempt at a delivery may take.',
  webhookAnswerBytes: "Bytes that are read of a webhook's answer.",
  webhookRetryMs: 'Milliseconds for which a delivery is tried again.',
  webhookSecretGraceMs: 'Milliseconds for which a replaced secret still signs, where none is given.',
  webhookRetentionMs: 'Milliseconds that ended deliveries stay in the log.',
  maximumErrorDetails: 'Entries of errors in one problem.',
  maximumParamLength: 'Characters of a path parameter, percent-encoded.',
  requestTimeoutMs: 'Milliseconds in which a request has to arrive whole.',
  keepAliveTimeoutMs: 'Milliseconds that an idle connection is kept.',
  closeGraceMs: 'Milliseconds that answers in flight have when the service ends.',
  lingerMs: 'Milliseconds that a refused body is still read.',
  lingerBytes: 'Bytes of a refused body that are still read.',
};

/** Characters of an Idempotency-Key. */
export const MAXIMUM_IDEMPOTENCY_KEY_LENGTH = 255;

/** Limits that nobody sets. */
const FIXED: readonly Omit<Limit, 'variable'>[] = [
  {
    name: 'idempotency_key_lifetime_ms',
    value: KEY_LIFETIME_MS,
    description: 'Milliseconds for which the answer to an Idempotency-Key is kept.',
  },
  {
    name: 'maximum_idempotency_key_length',
    value: MAXIMUM_IDEMPOTENCY_KEY_LENGTH,
    description: 'Characters of an Idempotency-Key.',
  },
  {
    name: 'maximum_json_depth',
    value: MAXIMUM_JSON_DEPTH,
    description: 'Lists and objects within each other in a JSON body.',
  },
  {
    name: 'minimum_refresh_ms',
    value: 60_000,
    description: 'Milliseconds of the shortest interval of a refresh policy: 1m.',
  },
];

/** The names of all limits that are set. */
export const LIMIT_NAMES = Object.keys(DESCRIPTIONS) as readonly LimitName[];

/** `bodyLimitBytes` is METAHEAC_BODY_LIMIT_BYTES. */
export function variableOf(name: LimitName): string {
  return `METAHEAC_${snakeCase(name).toUpperCase()}`;
}

/** Every limit with its value, as JSON. */
export function presentLimits(config: ServerConfig): Limit[] {
  const set = LIMIT_NAMES.map((name) => ({
    name: snakeCase(name),
    value: config[name],
    variable: variableOf(name),
    description: DESCRIPTIONS[name],
  }));
  return [...set, ...FIXED.map((limit) => ({ ...limit, variable: null }))];
}

interface Limit {
  readonly name: string;
  readonly value: number;
  /** null where it is fixed. */
  readonly variable: string | null;
  readonly description: string;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
