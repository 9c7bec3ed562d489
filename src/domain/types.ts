/** The types of the domain: campaigns, their expansions, audiences and jobs. */

import type { SpecialCategory } from '../lib/special-categories.ts';
import type { Cause, VersionCause, VersionPart } from './changes.ts';
import type { ConsentBasis } from './consent.ts';
import type { AudienceCut, CutRequest } from './cuts.ts';
import type { CampaignFeatures, Filters } from './features.ts';
import type { HoldOut } from './hold-out.ts';
import type { Receipt } from './receipts.ts';
import type { ComputedWith, Timings } from './run-facts.ts';
import type { ExpansionState } from './states.ts';

export type AudienceRequest = { readonly size: number } | { readonly percent: number };

/** Labels that callers set: text by key. */
export type Labels = Readonly<Record<string, string>>;

/** When a campaign is expanded again automatically. */
export interface RefreshPolicy {
  /** The interval in milliseconds; null if the campaign is not refreshed at intervals. */
  readonly everyMs: number | null;
  readonly onNewPopulation: boolean;
  /**
   * Whether to refresh when features, filters, seeds, negatives or suppression lists (including the global list) differ
   * from the inputs of the latest expansion.
   */
  readonly onChange: boolean;
}

/** Why an expansion is in its state: a stable code, a sentence, and the numbers that explain the reason. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly [fact: string]: string | number;
}

/**
 * Counts of seeds: `received` = `known` + `unknown` + `outside` + `duplicate`. Every repetition of an id is a
 * duplicate, whether or not the id is known.
 */
export interface SeedCounts {
  readonly received: number;
  readonly known: number;
  readonly unknown: number;
  /** Number of users who are not in the population but were sent with features; 0 if absent. */
  readonly outside?: number;
  readonly duplicate: number;
  /** The first unknown ids (at most 10), in the order received. */
  readonly unknownExamples: readonly string[];
}

interface FeatureCounts {
  readonly unknown: number;
  readonly missing: number;
}

/** What the model learns about a campaign in addition to its user sets. */
export interface ModelInputs {
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  /** How much an explicit negative counts compared with a sampled one. */
  readonly negativeWeight: number;
  /** The category, which excludes user features; null if there is none. */
  readonly category: SpecialCategory | null;
  /** The user feature that the four-fifths rule is applied to; null if there is none. */
  readonly fourFifths: string | null;
}

/** A campaign as seen from outside: its inputs, the state of its latest expansion, and its active audience. */
export interface Campaign extends ModelInputs {
  readonly id: string;
  /** The caller's id for the campaign, which is unique among campaigns. */
  readonly externalId: string | null;
  readonly name: string;
  readonly labels: Labels;
  readonly audience: AudienceRequest;
  /** The percentage of the audience that is held out; 0 if nobody is. */
  readonly holdoutPercent: number;
  readonly cuts: readonly CutRequest[];
  readonly refresh: RefreshPolicy;
  /** The time in milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Counts of the current seeds; all counts are 0 if no seeds have been sent yet. */
  readonly seeds: SeedCounts;
  readonly featureCounts: FeatureCounts;
  /**
   * Whether features, filters, seeds, negatives or suppression lists differ from the inputs of the active audience, and
   * no expansion with the current inputs is running.
   */
  readonly needsExpansion: boolean;
  /** The id of the latest expansion; null if there is no expansion yet. */
  readonly expansionId: string | null;
  readonly state: ExpansionState | null;
  /** Progress of the latest expansion (0..1). Progress never decreases within an expansion, even across retries. */
  readonly progress: number;
  /** Why the latest expansion is in its state. For a queued expansion, this is why its last attempt was abandoned. */
  readonly reason: Reason | null;
  /** Numbers of users that the latest expansion did not rank; null until the users are counted. */
  readonly excluded: Excluded | null;
  readonly modelVersion: string | null;
  readonly populationVersion: string | null;
  readonly timings: Timings;
  /** The quality report from the engine. */
  readonly quality: Readonly<Record<string, unknown>> | null;
  /** The active audience version, which may come from an earlier expansion than the one that `state` describes. */
  readonly audienceVersion: number | null;
  readonly audienceSize: number | null;
  readonly candidates: number | null;
  /** Estimated milliseconds until the latest expansion ends. */
  readonly remainingMs: number | null;
}

/**
 * Numbers of users that an expansion did not rank. Each user is counted once: as a seed, else as suppressed, else as
 * filtered out.
 */
export interface Excluded {
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
}

/** One expansion of a campaign, with its inputs. */
export interface Expansion extends ModelInputs {
  readonly id: string;
  readonly campaignId: string;
  readonly cause: Cause;
  readonly state: ExpansionState;
  readonly progress: number;
  readonly reason: Reason | null;
  readonly seeds: SeedCounts;
  /** Numbers of users that feedback added to the seeds and to the negative examples. */
  readonly feedback: { readonly positives: number; readonly dismissed: number };
  /** Number of users in the campaign's negatives. */
  readonly negatives: number;
  /** Numbers of users that the expansion did not rank; null until the users are counted. */
  readonly excluded: Excluded | null;
  readonly modelVersion: string | null;
  readonly populationVersion: string | null;
  readonly timings: Timings;
  /**
   * The device and settings of the run; null until the expansion is ready, and for expansions made by an earlier
   * version of the service.
   */
  readonly computedWith: ComputedWith | null;
  readonly quality: Readonly<Record<string, unknown>> | null;
  /**
   * The audience version that the expansion published; null if the expansion published no version, or if the version
   * was pruned.
   */
  readonly audienceVersion: number | null;
  /**
   * Estimated milliseconds until the expansion ends; null if the expansion has ended, or if there is no earlier
   * expansion to estimate from.
   */
  readonly remainingMs: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly updatedAt: number;
}

/**
 * An immutable audience version: the first `size` ranks of the ranking in `folder`. Some of its users may be held out.
 */
export interface Audience {
  readonly campaignId: string;
  readonly version: number;
  readonly isActive: boolean;
  /** Number of users in the audience, including held-out users. */
  readonly size: number;
  /** Decides who is held out; `null` if nobody is. */
  readonly holdout: HoldOut | null;
  /** Parts of the ranking that are served in addition to the audience. They may extend beyond it. */
  readonly cuts: readonly AudienceCut[];
  readonly candidates: number;
  /** Number of users in the population version. Audience percentages refer to this number. */
  readonly populationSize: number;
  /** The blob folder of the ranking. The folder may be deleted while it is being read. */
  readonly folder: string;
  readonly populationVersion: string;
  readonly expansionId: string;
  readonly cause: VersionCause;
  /** What differs from the version that was active before; null for the first version. */
  readonly changed: readonly VersionPart[] | null;
  readonly createdAt: number;
}

/** The model version and population version that an expansion works with, fixed by its first attempt. */
export interface Pins {
  readonly modelVersion: string;
  readonly populationVersion: string;
}

/** The names of the user sets of an expansion; null for a set that does not exist. */
export interface ExpansionSets {
  readonly seeds: string;
  readonly positives: string | null;
  readonly dismissed: string | null;
  readonly negatives: string | null;
  readonly suppression: string | null;
  readonly commonSuppression: string | null;
}

/** The consent bases of the sets of an expansion when it was created. Sets without a basis are absent. */
export type ConsentBases = { readonly [K in keyof ExpansionSets]?: ConsentBasis | undefined };

/** One attempt at an expansion, leased to `owner`. */
export interface Job extends ModelInputs {
  readonly id: string;
  readonly expansionId: string;
  readonly campaignId: string;
  /** The number of the attempt; 1 at the first claim. */
  readonly attempt: number;
  /** Number of earlier attempts whose engine died. */
  readonly deaths: number;
  /** The owner of the lease: `<pid>:<uuid>`. */
  readonly owner: string;
  /** The fencing token, which increases with each claim of the job. A call with an older token is refused. */
  readonly token: number;
  readonly externalId: string | null;
  readonly sets: ExpansionSets;
  readonly consentBases: ConsentBases;
  /** The versions that an earlier attempt pinned; null if no attempt has pinned versions. */
  readonly pins: Pins | null;
  /** The time in milliseconds since 1970. */
  readonly queuedAt: number;
  /** The W3C traceparent to store with the job's events, from the request that queued the job or the engine's span. */
  readonly traceparent: string | null;
}

export interface NewCampaign extends Partial<ModelInputs> {
  readonly externalId?: string | null | undefined;
  readonly name: string;
  readonly labels?: Labels;
  readonly features: CampaignFeatures;
  readonly featureCounts: FeatureCounts;
  /** Seeds as received: any strings, possibly with repetitions. Without seeds, no expansion is queued. */
  readonly seeds?: readonly string[] | undefined;
  /** Weights of seeds by user id. Other seeds have weight 1. */
  readonly seedWeights?: ReadonlyMap<string, number> | undefined;
  /** The consent basis of the seeds. */
  readonly seedsConsentBasis?: ConsentBasis | undefined;
  readonly audience: AudienceRequest;
  readonly holdoutPercent?: number;
  readonly cuts?: readonly CutRequest[];
  readonly refresh?: RefreshPolicy;
}

/** The changed fields of a campaign; other fields keep their values. */
export type CampaignChange = Partial<
  Pick<
    NewCampaign,
    | 'externalId'
    | 'name'
    | 'labels'
    | 'filters'
    | 'negativeWeight'
    | 'category'
    | 'fourFifths'
    | 'audience'
    | 'holdoutPercent'
    | 'cuts'
  > & {
    readonly refresh: Partial<RefreshPolicy>;
    readonly features: { readonly values: CampaignFeatures; readonly counts: FeatureCounts };
  }
>;

/** The result of a finished attempt. */
export interface ExpansionResult {
  /** The blob folder of the ranking. */
  readonly folder: string;
  /**
   * Number of users in the ranking; at least 1. Without candidates, call `end(job, 'failed', no_candidates)` instead.
   */
  readonly candidates: number;
  /** Number of users in the pinned population version, including seeds. Audience percentages refer to this number. */
  readonly populationSize: number;
  readonly excluded: Excluded;
  readonly timings: Timings;
  readonly computedWith: ComputedWith;
  readonly quality: Readonly<Record<string, unknown>>;
  readonly receipt: Receipt;
}

/** What a buyer's agent may choose to pay for a signal. */
export interface SignalPrice {
  readonly id: string;
  readonly cpm: number;
  readonly currency: string;
}
