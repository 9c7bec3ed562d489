/** What a server is given, and every limit that it keeps, by name. */
import type { Explanation } from '../audience/explanation.ts';
import type { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore } from '../campaigns/store.ts';
import type { Audience, CampaignFeatures, Filters } from '../campaigns/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logging.ts';
import type { Population } from '../population/population.ts';
import type { ValueList } from './feature-values.ts';
import type { CurrentModel } from './information-schemas.ts';
import type { CustomisedManifest } from './model-schemas.ts';
import type { AddressGuard } from './webhooks/address-guard.ts';
import type { AttemptCounts } from './webhooks/dispatcher.ts';

/** A campaign feature of the served model, with the question whether the model knows a value. */
export interface CampaignFeature {
  readonly name: string;
  readonly kind: 'single' | 'multi';
  readonly maxLength?: number;
  isKnown(value: string): boolean;
  /** Those that the model knows. */
  readonly values: ValueList;
}

/** What is told of the served model, beside its version and features. */
export interface ModelFacts {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly adaptation: CurrentModel['adaptation'];
  readonly evaluation: CurrentModel['evaluation'];
}

/** An estimate and the bounds of its interval. */
interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** What an audience would be worth, told from its seeds. */
export interface Expected {
  readonly verdict: 'good' | 'weak' | 'unsure';
  readonly reason: string;
  readonly auc: Interval | null;
  /** By the audience's share of the candidates. */
  readonly recall: Readonly<Record<string, Interval>>;
  readonly lift: Readonly<Record<string, Interval>>;
}

/** Makes estimates, one after the other, without blocking who asks. */
export interface Estimates {
  /** An answer after `timeMs` at the latest. Throws what the model cannot do. */
  estimate(
    task: EstimateInputs,
    timeMs: number,
  ): Promise<
    | { readonly kind: 'estimate'; readonly estimate: Estimate }
    | { readonly kind: 'late'; readonly users: CountedUsers | null }
    | { readonly kind: 'loading' | 'busy' }
  >;
}

/** What an estimate is of. */
export interface EstimateInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  /** Rows of the population, ascending. */
  readonly seeds: Int32Array;
  readonly suppressed: Int32Array;
  /** The sha256 of the installation's suppression list. */
  readonly suppressionSet: string | null;
  readonly minimumSeeds: number;
  readonly mostSeeds: number;
  readonly mostCandidates: number;
}

/** What an expansion of the same inputs would make of the users of the population, each counted once. */
export interface CountedUsers {
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
  readonly candidates: number;
}

interface Estimate {
  readonly users: CountedUsers;
  /** What its audience would be worth; null where it would make none. */
  readonly expected: { readonly prediction: Expected; readonly seeds: number; readonly candidates: number } | null;
}

/** What the engine says of itself. */
export interface EngineStatus {
  readonly ready: boolean;
  readonly detail: string;
  readonly restarts: number;
}

/** Everything that the routes call. */
export interface ServerDependencies {
  readonly store: CampaignStore;
  readonly rankings: RankingCache;
  readonly population: Population;
  readonly campaignFeatures: readonly CampaignFeature[];
  readonly modelVersion: string;
  readonly model: ModelFacts;
  /** When the population's files were written, in ms since 1970. */
  readonly populationImportedAt: number;
  readonly customisedModels: CustomisedModels;
  readonly estimates: Estimates;
  readonly explainer: AudienceExplainer;
  readonly engine: () => EngineStatus;
  /** Called after a campaign was accepted: the engine need not wait for its next look at the queue. */
  readonly wake: () => void;
  readonly webhooks: WebhookService;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly config: ServerConfig;
}

/** An audience version, and the sha256 of the user sets that were its seeds. */
export type AudienceToExplain = Pick<Audience, 'folder' | 'size' | 'populationVersion'> & {
  readonly seedSets: readonly string[];
};

/** Explains audiences, away from the thread that answers requests. */
export interface AudienceExplainer {
  /** With up to `maximumExplanationTokens` tokens a feature. @throws AppError population_unavailable, storage_failed, invalid_population */
  explain(task: AudienceToExplain): Promise<Explanation>;
}

/** What routes and metrics need of the part that sends. */
export interface WebhookService {
  /** Refuses URLs that nothing may be sent to. */
  readonly guard: Pick<AddressGuard, 'checkUrl'>;
  /** Looks at once for what is due. */
  wake(): void;
  counts(): AttemptCounts;
}

/** The customised models of audiences. */
export interface CustomisedModels {
  /** @throws AppError model_not_stored, model_unavailable (facts: model_version, served_model_version), storage_failed */
  manifest(audience: Audience): Promise<CustomisedManifest>;
  /** The ONNX file, in memory of its own. @throws as `manifest` */
  onnx(audience: Audience): Promise<Uint8Array>;
}

export interface ServerConfig {
  /** With a key every `/v1` call needs `Authorization: Bearer`. */
  readonly apiKey: string | null;
  readonly bodyLimitBytes: number;
  readonly maximumInlineSeeds: number;
  /** Ids of one upload, and of a set of users. */
  readonly maximumUploadIds: number;
  /** An upload, unpacked. */
  readonly maximumUploadBytes: number;
  /** A line of an upload, or a CSV record that goes on over lines. */
  readonly maximumUploadLineBytes: number;
  /** Large uploads at one time; one more is answered 503. */
  readonly maximumOpenUploads: number;
  /** An upload of at most so many bytes, unpacked, is small: it never waits for a large one. */
  readonly smallUploadBytes: number;
  /** Small uploads, and those in JSON, that are applied at one time; how many wait for that, and how long. */
  readonly maximumOpenSmallUploads: number;
  readonly maximumWaitingUploads: number;
  readonly smallUploadWaitMs: number;
  /** Nothing for so long ends an upload, as does less than the minimum rate in as much time of waiting for its sender. */
  readonly uploadStallMs: number;
  readonly minimumUploadBytesPerSecond: number;
  /** An upload, from its head to its last byte. */
  readonly maximumUploadMs: number;
  /** Fewer known seeds than this end as `too_small`; kept by the store, named in the document. */
  readonly minimumSeeds: number;
  /** Of the store and the engine, told by `GET /v1/limits`: how long a job is held without a sign of life, and how often it is tried. */
  readonly leaseMs: number;
  readonly maximumAttempts: number;
  /** Of the rankings that routes are given, told likewise. */
  readonly openRankings: number;
  readonly maximumUserIdBytes: number;
  /** As many as an id of a campaign may have in the history that models are trained on. */
  readonly maximumExternalIdBytes: number;
  /** Of a campaign's name, and of a webhook's description. */
  readonly maximumNameLength: number;
  /** Features that a campaign names, known or not. */
  readonly maximumCampaignFeatures: number;
  /** Values of one multi-valued campaign feature. */
  readonly maximumFeatureValues: number;
  readonly maximumFeatureValueLength: number;
  readonly maximumLabels: number;
  /** A label's key, and its text. */
  readonly maximumLabelLength: number;
  /** Features that one campaign's filters name. */
  readonly maximumFilterFeatures: number;
  /** Tokens of one feature in a filter. */
  readonly maximumFilterTokens: number;
  /** Events of one feedback request. */
  readonly maximumFeedbackEvents: number;
  /** How far ahead of this service's clock an event may be. */
  readonly maximumFeedbackAheadMs: number;
  /** Audience versions of a campaign that are kept beside the active one, and for how long. */
  readonly retainedVersions: number;
  readonly retainedDays: number;
  /** Audience pages. */
  readonly maximumPageSize: number;
  readonly defaultPageSize: number;
  /** Pages of campaigns, webhooks and deliveries. */
  readonly maximumCampaignPageSize: number;
  readonly defaultCampaignPageSize: number;
  /** Pages of a feature's known values, and how many one search looks at. */
  readonly maximumValuePageSize: number;
  readonly defaultValuePageSize: number;
  readonly maximumValueScan: number;
  /** Pages of a campaign's audience versions. */
  readonly maximumVersionPageSize: number;
  readonly defaultVersionPageSize: number;
  /** Pages of the audiences that hold a user. */
  readonly maximumUserAudiencePageSize: number;
  readonly defaultUserAudiencePageSize: number;
  /** Users of one batch of membership look-ups. */
  readonly maximumBatchMembers: number;
  /** Rows that a stream reads, formats and hands over at once. */
  readonly streamChunkRows: number;
  /** Rows of a Parquet file's row group: what such a stream holds in memory. */
  readonly parquetRowGroupRows: number;
  /** Streams of audiences and differences at one time; one more is answered 503. */
  readonly maximumOpenStreams: number;
  /** A client that takes longer for one chunk, or for the whole, is cut off. */
  readonly streamStallMs: number;
  readonly maximumStreamMs: number;
  /** Explanations that are made at one time; one more is answered 503. */
  readonly maximumOpenExplanations: number;
  /** Explanations that are kept in memory. */
  readonly keptExplanations: number;
  /** Tokens of one feature in an explanation. */
  readonly maximumExplanationTokens: number;
  readonly defaultExplanationTokens: number;
  /** Users whom a group of a sensitive feature needs in the population to be compared. */
  readonly minimumDisparityGroupUsers: number;
  /** Below this per cent of the highest selection rate the lowest one has a warning (the four-fifths rule). */
  readonly minimumDisparityPercent: number;
  /** Customised models that are made or sent at one time, each whole in memory; one more is answered 503. */
  readonly maximumOpenModels: number;
  /** A customised model is sent in chunks; a client that takes longer for one is cut off. */
  readonly modelChunkBytes: number;
  readonly modelChunkMs: number;
  /** How long an estimate may take, and of how many seeds and random users it is. */
  readonly estimateTimeMs: number;
  readonly maximumEstimateSeeds: number;
  readonly maximumEstimateCandidates: number;
  /** Each webhook takes calls, memory and time of its own. */
  readonly maximumWebhooks: number;
  readonly maximumWebhookUrlLength: number;
  /** Calls to one webhook at one time; no other webhook waits for them. */
  readonly webhookParallelCalls: number;
  /** How often due deliveries are looked for. */
  readonly webhookPollMs: number;
  /** One attempt, from the look-up of the host to the answer's status. */
  readonly webhookTimeoutMs: number;
  /** What is read of an answer's body before the connection is cut. */
  readonly webhookAnswerBytes: number;
  /** How long a delivery is tried again. */
  readonly webhookRetryMs: number;
  /** How long a replaced secret still signs, where the caller does not say. */
  readonly webhookSecretGraceMs: number;
  /** How long ended deliveries stay in the log. */
  readonly webhookRetentionMs: number;
  /** Entries of `errors` in one problem. */
  readonly maximumErrorDetails: number;
  /** A path parameter, percent-encoded. */
  readonly maximumParamLength: number;
  /** A request must have arrived whole after this time, but for uploads. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long `close()` waits for answers in flight before it cuts them. */
  readonly closeGraceMs: number;
  /** How long, and how much, a refused body is still read so that its sender gets the answer. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
}

export const DEFAULT_SERVER_CONFIG: ServerConfig = {
  apiKey: null,
  bodyLimitBytes: 8 * 1024 * 1024,
  maximumInlineSeeds: 100_000,
  maximumUploadIds: 10_000_000,
  maximumUploadBytes: 2 * 1024 * 1024 * 1024,
  maximumUploadLineBytes: 64 * 1024,
  maximumOpenUploads: 2,
  smallUploadBytes: 64 * 1024,
  maximumOpenSmallUploads: 4,
  maximumWaitingUploads: 100,
  smallUploadWaitMs: 30_000,
  uploadStallMs: 30_000,
  minimumUploadBytesPerSecond: 10 * 1024,
  maximumUploadMs: 3_600_000,
  minimumSeeds: 10,
  leaseMs: 15_000,
  maximumAttempts: 5,
  openRankings: 1_024,
  maximumUserIdBytes: 256,
  maximumExternalIdBytes: 256,
  maximumNameLength: 200,
  maximumCampaignFeatures: 1_000,
  maximumFeatureValues: 1_000,
  maximumFeatureValueLength: 1_024,
  maximumLabels: 50,
  maximumLabelLength: 200,
  maximumFilterFeatures: 50,
  maximumFilterTokens: 1_000,
  maximumFeedbackEvents: 10_000,
  maximumFeedbackAheadMs: 5 * 60_000,
  retainedVersions: 10,
  retainedDays: 30,
  maximumPageSize: 10_000,
  defaultPageSize: 1_000,
  maximumCampaignPageSize: 200,
  defaultCampaignPageSize: 50,
  maximumValuePageSize: 1_000,
  defaultValuePageSize: 100,
  maximumValueScan: 50_000,
  maximumVersionPageSize: 200,
  defaultVersionPageSize: 50,
  maximumUserAudiencePageSize: 1_000,
  defaultUserAudiencePageSize: 1_000,
  maximumBatchMembers: 1_000,
  streamChunkRows: 2_000,
  parquetRowGroupRows: 10_000,
  maximumOpenStreams: 64,
  streamStallMs: 30_000,
  maximumStreamMs: 3_600_000,
  maximumOpenExplanations: 1,
  keptExplanations: 16,
  maximumExplanationTokens: 100,
  defaultExplanationTokens: 20,
  minimumDisparityGroupUsers: 100,
  minimumDisparityPercent: 80,
  maximumOpenModels: 1,
  modelChunkBytes: 1024 * 1024,
  modelChunkMs: 15_000,
  estimateTimeMs: 900,
  maximumEstimateSeeds: 150,
  maximumEstimateCandidates: 3_000,
  maximumWebhooks: 32,
  maximumWebhookUrlLength: 2_048,
  webhookParallelCalls: 2,
  webhookPollMs: 1_000,
  webhookTimeoutMs: 15_000,
  webhookAnswerBytes: 16 * 1024,
  webhookRetryMs: 24 * 3_600_000,
  webhookSecretGraceMs: 24 * 3_600_000,
  webhookRetentionMs: 30 * 24 * 3_600_000,
  maximumErrorDetails: 20,
  maximumParamLength: 16_384,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 72_000,
  closeGraceMs: 5_000,
  lingerMs: 3_000,
  lingerBytes: 1024 * 1024 * 1024,
};
