/** The words of the domain: campaigns, their expansions, audiences and jobs. */
import type { CampaignFeatures, Filters } from './features.ts';
import type { ExpansionState } from './states.ts';

export type AudienceRequest = { readonly size: number } | { readonly percent: number };

/** The caller's own text by key. */
export type Labels = Readonly<Record<string, string>>;

/** When a campaign is expanded again by itself. */
export interface RefreshPolicy {
  /** Milliseconds; null: never by time. */
  readonly everyMs: number | null;
  readonly onNewPopulation: boolean;
  /** Features, filters, seeds or suppression (the installation's too) are others than the latest expansion's. */
  readonly onChange: boolean;
}

/**
 * What made an expansion: the campaign's creation, a call, or the refresh policy: by its interval, a new population
 * version, a change of inputs.
 */
export const CAUSES = ['created', 'requested', 'interval', 'population', 'change'] as const;

export type Cause = (typeof CAUSES)[number];

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

/**
 * A campaign as seen from outside: its inputs, its latest expansion's state, progress and report, and its active
 * audience.
 */
export interface Campaign {
  readonly id: string;
  /** The caller's own id of it: no two campaigns have the same. */
  readonly externalId: string | null;
  readonly name: string;
  readonly labels: Labels;
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  readonly audience: AudienceRequest;
  readonly refresh: RefreshPolicy;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the seeds as they are now; all 0 where none were given yet. */
  readonly seeds: SeedCounts;
  readonly featureCounts: FeatureCounts;
  /**
   * Whether features, filters, seeds or suppression are others than those that the active audience was made with, and
   * no expansion is at work with them.
   */
  readonly needsExpansion: boolean;
  /** The latest expansion; null before the first. */
  readonly expansionId: string | null;
  readonly state: ExpansionState | null;
  /** 0..1; never falls within an expansion, over retries too. */
  readonly progress: number;
  /** Of a queued expansion: why its last attempt was given up. */
  readonly reason: Reason | null;
  /** Whom the latest expansion did not rank; null until the population was looked at. */
  readonly excluded: Excluded | null;
  readonly modelVersion: string | null;
  readonly populationVersion: string | null;
  /** Seconds by stage: queued, finding (who is a seed, suppressed, filtered out), adapting, scoring, ranking. */
  readonly timings: Readonly<Record<string, number>>;
  /** The quality report as the engine gave it. */
  readonly quality: Readonly<Record<string, unknown>> | null;
  /** The active audience version, which may be of an earlier expansion than `state`. */
  readonly audienceVersion: number | null;
  readonly audienceSize: number | null;
  readonly candidates: number | null;
}

/** Users that an expansion did not rank, each counted once: as a seed, else as suppressed, else as filtered out. */
export interface Excluded {
  readonly seeds: number;
  readonly suppressed: number;
  readonly filtered: number;
}

/** One run of the online stage, with the inputs that it took. */
export interface Expansion {
  readonly id: string;
  readonly campaignId: string;
  readonly cause: Cause;
  readonly state: ExpansionState;
  readonly progress: number;
  readonly reason: Reason | null;
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  readonly seeds: SeedCounts;
  /** Users that feedback added to the seeds, and to the negatives. */
  readonly feedback: { readonly positives: number; readonly dismissed: number };
  /** null until the population was looked at. */
  readonly excluded: Excluded | null;
  readonly modelVersion: string | null;
  readonly populationVersion: string | null;
  readonly timings: Readonly<Record<string, number>>;
  readonly quality: Readonly<Record<string, unknown>> | null;
  /** The version that it was published as; null where it was not, or that was pruned. */
  readonly audienceVersion: number | null;
  /** Milliseconds until it ends, as far as one can tell; null where it has ended, or nothing ran yet to tell by. */
  readonly remainingMs: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly updatedAt: number;
}

/** One immutable audience version: the first `size` ranks of the ranking in `folder`. */
export interface Audience {
  readonly campaignId: string;
  readonly version: number;
  readonly isActive: boolean;
  readonly size: number;
  readonly candidates: number;
  /** Users of the population version, all counted: what a percentage is of. */
  readonly populationSize: number;
  /** The blob folder of the ranking. It may be deleted while it is read. */
  readonly folder: string;
  readonly populationVersion: string;
  readonly expansionId: string;
  readonly createdAt: number;
}

export const CHANGE_KINDS = ['activated', 'deleted'] as const;

/** A change of a campaign's active version. */
export interface Change {
  readonly campaignId: string;
  readonly kind: (typeof CHANGE_KINDS)[number];
  readonly version: number | null;
  readonly previousVersion: number | null;
  readonly size: number | null;
  readonly changedAt: number;
}

/** The versions that an expansion works with, fixed when it is first claimed. */
export interface Pins {
  readonly modelVersion: string;
  readonly populationVersion: string;
}

/** The user sets of an expansion by their sha256; null where there is none. */
export interface ExpansionSets {
  readonly seeds: string;
  readonly positives: string | null;
  readonly dismissed: string | null;
  readonly suppression: string | null;
  readonly commonSuppression: string | null;
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
  /**
   * The fencing token: it increases with each claim of the job, whoever makes it, so that a call with an older one is
   * refused.
   */
  readonly token: number;
  readonly externalId: string | null;
  readonly features: CampaignFeatures;
  readonly filters: Filters;
  readonly sets: ExpansionSets;
  /** What an earlier attempt pinned. */
  readonly pins: Pins | null;
  /** Milliseconds since 1970. */
  readonly queuedAt: number;
}

export interface NewCampaign {
  readonly externalId?: string | null | undefined;
  readonly name: string;
  readonly labels?: Labels;
  readonly features: CampaignFeatures;
  readonly featureCounts: FeatureCounts;
  readonly filters?: Filters;
  /** As received: any text, repetitions included. Without, no expansion is queued. */
  readonly seeds?: readonly string[] | undefined;
  readonly audience: AudienceRequest;
  readonly refresh?: RefreshPolicy;
}

/** What a change names; the rest stays. */
export type CampaignChange = Partial<
  Pick<NewCampaign, 'externalId' | 'name' | 'labels' | 'filters' | 'audience' | 'refresh'> & {
    readonly features: { readonly values: CampaignFeatures; readonly counts: FeatureCounts };
  }
>;

/** A request that is answered once: one of the same key and body gets the same answer again. */
export interface IdempotentRequest {
  readonly key: string;
  readonly requestSha256: string;
  /** The body of the answer. */
  readonly answer: (campaign: Campaign) => string;
}

export interface PageQuery {
  /** 1 or more. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface CampaignQuery extends PageQuery {
  readonly state?: ExpansionState | undefined;
  readonly externalId?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export type CampaignPage = Page<Campaign>;

/** One page of changes of active versions. */
export interface Changes {
  readonly items: readonly Change[];
  /** Where to go on: at the newest change there is nothing behind it yet. */
  readonly nextCursor: string;
  readonly hasMore: boolean;
}

/** What is kept of audience versions that are not active. */
export interface Retention {
  /** Versions of a campaign, the newest. */
  readonly versions: number;
  readonly days: number;
}

export const FEEDBACK_EVENTS = ['conversion', 'click', 'dismissal'] as const;

/** One thing that a user did. */
export interface FeedbackEvent {
  readonly userId: string;
  readonly event: (typeof FEEDBACK_EVENTS)[number];
  /** Milliseconds since 1970. */
  readonly happenedAt: number;
}

/** Users by their last event. */
export type FeedbackCounts = Readonly<Record<FeedbackEvent['event'], number>>;

/** What became of some events. */
export interface FeedbackReport {
  readonly received: number;
  /** Events that are now the last of their user. */
  readonly taken: number;
  /** Events older than what is known of their user: nothing changed. */
  readonly outdated: number;
  readonly users: FeedbackCounts;
}

/** What a finished attempt hands over. */
export interface ExpansionResult {
  /** The blob folder of the ranking. */
  readonly folder: string;
  /** Users in the ranking; at least 1 (none is `end(job, 'failed', no_candidates)`). */
  readonly candidates: number;
  /** Users of the pinned population version, seeds counted: what a percentage is of. */
  readonly populationSize: number;
  readonly excluded: Excluded;
  readonly timings: Readonly<Record<string, number>>;
  readonly quality: Readonly<Record<string, unknown>>;
}
