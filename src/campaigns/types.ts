/** The words of the domain: campaigns, their expansions, audiences and jobs. */
import type { ExpansionState } from './states.ts';

export type AudienceRequest = { readonly size: number } | { readonly percent: number };

/** Values by feature name; a multi-valued feature holds an array. */
export type CampaignFeatures = Readonly<Record<string, string | readonly string[]>>;

/** Why an expansion is where it is: a stable code, a sentence, and the numbers behind it. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly [fact: string]: string | number;
}

/** received = known + unknown + duplicate; every repetition of an id is a duplicate, be the id known or not. */
export interface SeedCounts {
  readonly received: number;
  readonly known: number;
  readonly unknown: number;
  readonly duplicate: number;
  /** The first unknown ids in the order received, at most 10. */
  readonly unknownExamples: readonly string[];
}

interface FeatureCounts {
  readonly unknown: number;
  readonly missing: number;
}

/** A campaign as seen from outside; state, progress, reason, timings and quality are its latest expansion's. */
export interface Campaign {
  readonly id: string;
  /** The caller's own id of it: no two campaigns have the same. */
  readonly externalId: string | null;
  readonly name: string;
  readonly features: CampaignFeatures;
  readonly audience: AudienceRequest;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly state: ExpansionState;
  /** 0..1; never falls within an expansion, over retries too. */
  readonly progress: number;
  /** Of a queued expansion: why its last attempt was given up. */
  readonly reason: Reason | null;
  readonly seeds: SeedCounts;
  readonly featureCounts: FeatureCounts;
  readonly modelVersion: string | null;
  readonly populationVersion: string | null;
  /** Seconds by stage: queued, adapting, scoring, ranking. */
  readonly timings: Readonly<Record<string, number>>;
  /** The quality report as the engine gave it. */
  readonly quality: Readonly<Record<string, unknown>> | null;
  /** The newest audience version, which may be of an earlier expansion than `state`. */
  readonly audienceVersion: number | null;
  readonly audienceSize: number | null;
  readonly candidates: number | null;
}

/** One immutable audience version: the first `size` ranks of the ranking in `folder`. */
export interface ActiveAudience {
  readonly campaignId: string;
  readonly version: number;
  readonly size: number;
  readonly candidates: number;
  /** Absolute path of the ranking folder. */
  readonly folder: string;
  readonly populationVersion: string;
}

/** The versions that an expansion works with, fixed when it is first claimed. */
export interface Pins {
  readonly modelVersion: string;
  readonly populationVersion: string;
}

/** One attempt at an expansion, leased to `owner`. */
export interface Job {
  readonly id: string;
  readonly expansionId: string;
  readonly campaignId: string;
  /** 1 at the first claim. */
  readonly attempt: number;
  /** `<pid>:<uuid>`. */
  readonly owner: string;
  readonly externalId: string | null;
  readonly features: CampaignFeatures;
  /** What an earlier attempt pinned. */
  readonly pins: Pins | null;
  /** Milliseconds since 1970. */
  readonly queuedAt: number;
}

export interface NewCampaign {
  readonly externalId?: string | null | undefined;
  readonly name: string;
  readonly features: CampaignFeatures;
  readonly featureCounts: FeatureCounts;
  /** As received: any text, repetitions included. */
  readonly seeds: readonly string[];
  readonly audience: AudienceRequest;
}

export interface CampaignQuery {
  /** 1 or more. */
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly state?: ExpansionState | undefined;
  readonly externalId?: string | undefined;
}

export interface CampaignPage {
  readonly items: readonly Campaign[];
  readonly nextCursor: string | null;
}

/** What a finished attempt hands over. */
export interface ExpansionResult {
  /** Ranking folder, relative to the data folder. */
  readonly folder: string;
  /** Users in the ranking; at least 1 (none is `end(job, 'failed', no_candidates)`). */
  readonly candidates: number;
  /** Users of the pinned population version, seeds counted: what a percentage is of. */
  readonly populationSize: number;
  readonly timings: Readonly<Record<string, number>>;
  readonly quality: Readonly<Record<string, unknown>>;
}
