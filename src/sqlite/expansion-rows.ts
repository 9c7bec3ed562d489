/** Rows of expansions: creation, the legal steps between states, progress and pins. */

import { decodeCursor, encodeCursor } from '../campaigns/cursors.ts';
import { expansionNotFound } from '../campaigns/not-found.ts';
import { type ExpansionState, isLegal } from '../campaigns/states.ts';
import type { Cause, Excluded, Expansion, ExpansionSets, Page, PageQuery, Pins, Reason } from '../campaigns/types.ts';
import { AppError, assert } from '../lib/errors.ts';
import type { CampaignInputs } from './campaign-rows.ts';
import type { Database } from './database.ts';

/** What a step to another state writes beside it. */
export interface StepFacts {
  readonly reason: Reason | null;
  readonly progress?: number;
  readonly excluded?: Excluded;
  readonly timings?: Readonly<Record<string, number>> | undefined;
  readonly quality?: Readonly<Record<string, unknown>>;
}

/** Expansions that ended last, by which is told how long others take. */
const RECENT = 20;

const SELECT_EXPANSION = `
  SELECT e.number, e.id, c.id AS campaignId, e.cause, e.state, e.progress, e.reason, e.features, e.filters,
         e.seeds_received, e.seeds_known, e.seeds_unknown, e.seeds_duplicate, e.unknown_examples, e.positives, e.dismissed, e.excluded,
         e.model_version AS modelVersion, e.population_version AS populationVersion, e.timings, e.quality,
         (SELECT min(version) FROM audiences a WHERE a.expansion = e.number) AS audienceVersion,
         e.created_at AS createdAt, e.started_at AS startedAt, e.updated_at AS updatedAt
  FROM expansions e JOIN campaigns c ON c.number = e.campaign`;

interface ExpansionRow
  extends Pick<
    Expansion,
    | 'id'
    | 'campaignId'
    | 'cause'
    | 'state'
    | 'progress'
    | 'modelVersion'
    | 'populationVersion'
    | 'audienceVersion'
    | 'createdAt'
    | 'startedAt'
    | 'updatedAt'
  > {
  readonly number: number;
  readonly reason: string | null;
  readonly features: string;
  readonly filters: string;
  readonly seeds_received: number;
  readonly seeds_known: number;
  readonly seeds_unknown: number;
  readonly seeds_duplicate: number;
  readonly unknown_examples: string;
  readonly positives: number;
  readonly dismissed: number;
  readonly excluded: string | null;
  readonly timings: string;
  readonly quality: string | null;
}

/** An expansion to be: the campaign's inputs as they are, and what feedback adds. */
export interface NewExpansion {
  readonly id: string;
  readonly cause: Cause;
  readonly state: 'queued' | 'too_small';
  readonly reason: Reason | null;
  readonly inputs: CampaignInputs & { readonly seedSet: string };
  readonly positives: { readonly set: string | null; readonly users: number };
  readonly dismissed: { readonly set: string | null; readonly users: number };
}

export class ExpansionRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The campaign's newest expansion; gives its number. */
  insert({ id, cause, state, reason, inputs, positives, dismissed }: NewExpansion, now: number): number {
    this.#database.prepare('UPDATE expansions SET latest = 0 WHERE campaign = ? AND latest = 1').run(inputs.number);
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO expansions (id, campaign, latest, cause, state, reason, features, filters, seed_set, suppression_set, common_suppression_set,
           positive_set, dismissed_set, positives, dismissed, seeds_received, seeds_known, seeds_unknown, seeds_duplicate, unknown_examples,
           created_at, updated_at)
         VALUES (@id, @campaign, 1, @cause, @state, @reason, @features, @filters, @seedSet, @suppression, @common,
           @positiveSet, @dismissedSet, @positives, @dismissed, @received, @known, @unknown, @duplicate, @examples, @now, @now)`,
      )
      .run({
        id,
        campaign: inputs.number,
        cause,
        state,
        reason: reason && JSON.stringify(reason),
        features: inputs.features,
        filters: inputs.filters,
        seedSet: inputs.seedSet,
        suppression: inputs.suppressionSet,
        common: inputs.commonSuppressionSet,
        positiveSet: positives.set,
        dismissedSet: dismissed.set,
        positives: positives.users,
        dismissed: dismissed.users,
        received: inputs.seeds.received,
        known: inputs.seeds.known,
        unknown: inputs.seeds.unknown,
        duplicate: inputs.seeds.duplicate,
        examples: JSON.stringify(inputs.seeds.unknownExamples),
        now,
      });
    return Number(lastInsertRowid);
  }

  /** The number of the campaign's expansion that has not ended; undefined where there is none. */
  runningOf(campaign: number): number | undefined {
    return this.#database
      .prepare('SELECT e.number FROM expansions e JOIN jobs j ON j.expansion = e.number WHERE e.campaign = ?')
      .pluck()
      .get(campaign) as number | undefined;
  }

  /**
   * Removes what ended and is not the latest, of no audience version, and beyond a campaign's newest `newest` or made
   * before `before`; runs inside the caller's transaction.
   */
  prune(newest: number, before: number): void {
    this.#database
      .prepare(
        `DELETE FROM expansions WHERE latest = 0
           AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.expansion = expansions.number)
           AND NOT EXISTS (SELECT 1 FROM audiences a WHERE a.expansion = expansions.number)
           AND (created_at < @before OR (SELECT count(*) FROM expansions f WHERE f.campaign = expansions.campaign AND f.number > expansions.number) > @newest)`,
      )
      .run({ newest, before });
  }

  /** Ids of the expansions that have not ended. */
  running(): ReadonlySet<string> {
    return new Set(
      this.#database
        .prepare('SELECT e.id FROM expansions e JOIN jobs j ON j.expansion = e.number')
        .pluck()
        .all() as string[],
    );
  }

  /** Its number; undefined where the campaign has no such expansion. */
  numberOf(campaignId: string, id: string): number | undefined {
    return this.#database
      .prepare(
        'SELECT e.number FROM expansions e JOIN campaigns c ON c.number = e.campaign WHERE c.id = ? AND e.id = ?',
      )
      .pluck()
      .get(campaignId, id) as number | undefined;
  }

  /** @throws AppError expansion_not_found */
  get(campaignId: string, id: string): Expansion {
    const row = this.#database.prepare(`${SELECT_EXPANSION} WHERE c.id = ? AND e.id = ?`).get(campaignId, id);
    if (row === undefined) throw expansionNotFound(campaignId, id);
    return this.#toExpansion(row as ExpansionRow);
  }

  /** Newest first. */
  list(campaignId: string, { limit, cursor }: PageQuery): Page<Expansion> {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor('expansions', cursor);
    const rows = this.#database
      .prepare(`${SELECT_EXPANSION} WHERE c.id = ? AND e.number < ? ORDER BY e.number DESC LIMIT ?`)
      .all(campaignId, before, limit + 1) as ExpansionRow[];
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((row) => this.#toExpansion(row)),
      nextCursor: last !== undefined && rows.length > limit ? encodeCursor('expansions', last.number) : null,
    };
  }

  stateOf(expansion: number): ExpansionState {
    return this.#database
      .prepare('SELECT state FROM expansions WHERE number = ?')
      .pluck()
      .get(expansion) as ExpansionState;
  }

  /** Goes to another state, or stays; a step that `TRANSITIONS` does not have is a bug. */
  step(expansion: number, to: ExpansionState, now: number, facts: StepFacts): void {
    const from = this.stateOf(expansion);
    assert(from === to || isLegal(from, to), `an expansion never goes from ${from} to ${to}`);
    this.#database
      .prepare(
        `UPDATE expansions SET state = @to, reason = @reason, progress = max(progress, @progress), excluded = coalesce(@excluded, excluded),
           timings = coalesce(@timings, timings), quality = coalesce(@quality, quality),
           started_at = CASE WHEN @to = 'adapting' THEN coalesce(started_at, @now) ELSE started_at END, updated_at = @now
         WHERE number = @expansion`,
      )
      .run({
        expansion,
        to,
        now,
        reason: facts.reason && JSON.stringify(facts.reason),
        progress: facts.progress === undefined ? 0 : Math.min(1, Math.max(0, facts.progress)),
        excluded: facts.excluded ? JSON.stringify(facts.excluded) : null,
        timings: facts.timings ? JSON.stringify(facts.timings) : null,
        quality: facts.quality ? JSON.stringify(facts.quality) : null,
      });
  }

  pinsOf(expansion: number): Pins | null {
    const row = this.#database
      .prepare(
        'SELECT model_version AS modelVersion, population_version AS populationVersion FROM expansions WHERE number = ?',
      )
      .get(expansion) as { modelVersion: string | null; populationVersion: string | null };
    const { modelVersion, populationVersion } = row;
    return modelVersion === null || populationVersion === null ? null : { modelVersion, populationVersion };
  }

  /** Writes the pins where there are none yet. */
  pin(expansion: number, pins: Pins, now: number): void {
    this.#database
      .prepare(
        `UPDATE expansions SET model_version = ?, population_version = ?, updated_at = ?
         WHERE number = ? AND model_version IS NULL`,
      )
      .run(pins.modelVersion, pins.populationVersion, now, expansion);
  }

  setsOf(expansion: number): ExpansionSets {
    return this.#database
      .prepare(
        `SELECT seed_set AS seeds, positive_set AS positives, dismissed_set AS dismissed, suppression_set AS suppression,
           common_suppression_set AS commonSuppression FROM expansions WHERE number = ?`,
      )
      .get(expansion) as ExpansionSets;
  }

  /** The same by the expansion's id. @throws AppError expansion_not_found */
  setsOfId(id: string): ExpansionSets {
    const number = this.#database.prepare('SELECT number FROM expansions WHERE id = ?').pluck().get(id);
    if (number === undefined) throw new AppError('expansion_not_found', `there is no expansion ${id}`);
    return this.setsOf(number as number);
  }

  #toExpansion(row: ExpansionRow): Expansion {
    const { number, reason, excluded, timings, quality, positives, dismissed } = row;
    return {
      id: row.id,
      campaignId: row.campaignId,
      cause: row.cause,
      state: row.state,
      progress: row.progress,
      reason: reason === null ? null : (JSON.parse(reason) as Reason),
      features: JSON.parse(row.features) as Expansion['features'],
      filters: JSON.parse(row.filters) as Expansion['filters'],
      seeds: {
        received: row.seeds_received,
        known: row.seeds_known,
        unknown: row.seeds_unknown,
        duplicate: row.seeds_duplicate,
        unknownExamples: JSON.parse(row.unknown_examples) as string[],
      },
      feedback: { positives, dismissed },
      excluded: excluded === null ? null : (JSON.parse(excluded) as Excluded),
      modelVersion: row.modelVersion,
      populationVersion: row.populationVersion,
      timings: JSON.parse(timings) as Record<string, number>,
      quality: quality === null ? null : (JSON.parse(quality) as Record<string, unknown>),
      audienceVersion: row.audienceVersion,
      remainingMs: this.#remaining(number, row),
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      updatedAt: row.updatedAt,
    };
  }

  /** What ended lately took so long, of which `progress` is done; one that waits, waits for all before it too. */
  #remaining(number: number, { state, progress }: ExpansionRow): number | null {
    if (state !== 'queued' && state !== 'adapting' && state !== 'scoring') return null;
    const mean = this.#database
      .prepare(
        `SELECT avg(took) FROM (SELECT updated_at - started_at AS took FROM expansions
           WHERE state = 'ready' AND started_at IS NOT NULL ORDER BY number DESC LIMIT ${RECENT})`,
      )
      .pluck()
      .get() as number | null;
    if (mean === null) return null;
    const before =
      state === 'queued'
        ? (this.#database
            .prepare('SELECT count(*) FROM jobs WHERE number < (SELECT number FROM jobs WHERE expansion = ?)')
            .pluck()
            .get(number) as number)
        : 0;
    return Math.round(mean * (before + 1 - progress));
  }
}
