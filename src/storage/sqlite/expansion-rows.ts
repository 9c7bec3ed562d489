/** Rows of expansions: creation, the legal steps between states, progress and pins. */

import { expansionNotFound } from '../../domain/not-found.ts';
import type { ComputedWith, Timings } from '../../domain/run-facts.ts';
import { type ExpansionState, isLegal } from '../../domain/states.ts';
import type { Cause, Excluded, Expansion, ExpansionSets, Page, PageQuery, Pins, Reason } from '../../domain/types.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { CampaignInputs } from './campaign-rows.ts';
import { type Column, insertRow, json, plain, readRow, selectList, toJson } from './columns.ts';
import type { Database } from './database.ts';
import { deleteRows } from './delete-rows.ts';
import { boundsOf, pageOf } from './pages.ts';
import { remainingTimes } from './remaining-time.ts';
import { type RowReference, refuseDamaged, wholeRows } from './row-check.ts';

/** What a step to another state writes beside it. */
export interface StepFacts {
  readonly reason: Reason | null;
  readonly progress?: number;
  readonly excluded?: Excluded;
  readonly timings?: Timings | undefined;
  readonly computedWith?: ComputedWith;
  readonly quality?: Readonly<Record<string, unknown>>;
}

/** An expansion as it is read. A column of its own is here, in `#toExpansion`, and where it is written. */
const COLUMNS = {
  number: plain<number>('e.number'),
  id: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  cause: plain<Cause>('e.cause'),
  state: plain<ExpansionState>('e.state'),
  progress: plain<number>('e.progress'),
  reason: json<Reason | null>('e.reason'),
  features: json<Expansion['features']>('e.features'),
  filters: json<Expansion['filters']>('e.filters'),
  received: plain<number>('e.seeds_received'),
  known: plain<number>('e.seeds_known'),
  unknown: plain<number>('e.seeds_unknown'),
  duplicate: plain<number>('e.seeds_duplicate'),
  unknownExamples: json<string[]>('e.unknown_examples'),
  positives: plain<number>('e.positives'),
  dismissed: plain<number>('e.dismissed'),
  excluded: json<Excluded | null>('e.excluded'),
  modelVersion: plain<string | null>('e.model_version'),
  populationVersion: plain<string | null>('e.population_version'),
  timings: json<Record<string, number>>('e.timings'),
  computedWith: json<ComputedWith | null>('e.computed_with'),
  quality: json<Record<string, unknown> | null>('e.quality'),
  audienceVersion: plain<number | null>('(SELECT min(version) FROM audiences a WHERE a.expansion = e.number)'),
  createdAt: plain<number>('e.created_at'),
  startedAt: plain<number | null>('e.started_at'),
  updatedAt: plain<number>('e.updated_at'),
};

const SELECT_EXPANSION = `
  SELECT ${selectList(COLUMNS)}
  FROM expansions e JOIN campaigns c ON c.number = e.campaign`;

/** The sets of an expansion. */
const SETS = {
  seeds: plain<string>('seed_set'),
  positives: plain<string | null>('positive_set'),
  dismissed: plain<string | null>('dismissed_set'),
  suppression: plain<string | null>('suppression_set'),
  commonSuppression: plain<string | null>('common_suppression_set'),
} satisfies Record<keyof ExpansionSets, Column<unknown>>;

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

  /** The campaign's newest expansion; returns its number. */
  insert({ id, cause, state, reason, inputs, positives, dismissed }: NewExpansion, now: number): number {
    this.#database
      .prepare('UPDATE expansions SET latest = 0 WHERE campaign = @campaign AND latest = 1')
      .run({ campaign: inputs.number });
    return insertRow(this.#database, 'expansions', {
      id,
      campaign: inputs.number,
      latest: 1,
      cause,
      state,
      reason: toJson(reason),
      features: inputs.features,
      filters: inputs.filters,
      seed_set: inputs.seedSet,
      suppression_set: inputs.suppressionSet,
      common_suppression_set: inputs.commonSuppressionSet,
      positive_set: positives.set,
      dismissed_set: dismissed.set,
      positives: positives.users,
      dismissed: dismissed.users,
      seeds_received: inputs.seeds.received,
      seeds_known: inputs.seeds.known,
      seeds_unknown: inputs.seeds.unknown,
      seeds_duplicate: inputs.seeds.duplicate,
      unknown_examples: toJson(inputs.seeds.unknownExamples),
      created_at: now,
      updated_at: now,
    });
  }

  /** The number of the campaign's expansion that has not ended; undefined where there is none. */
  runningOf(campaign: number): number | undefined {
    return this.#database
      .prepare('SELECT e.number FROM expansions e JOIN jobs j ON j.expansion = e.number WHERE e.campaign = @campaign')
      .pluck()
      .get({ campaign }) as number | undefined;
  }

  /**
   * Removes what ended and is not the latest, of no audience version, and beyond a campaign's newest `newest` or made
   * before `before`; runs inside the caller's transaction.
   */
  prune(newest: number, before: number): void {
    deleteRows(
      this.#database,
      'expansions',
      `latest = 0
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.expansion = expansions.number)
         AND NOT EXISTS (SELECT 1 FROM audiences a WHERE a.expansion = expansions.number)
         AND (created_at < @before OR @newest < (
           SELECT count(*) FROM expansions f
           WHERE f.campaign = expansions.campaign AND f.number > expansions.number))`,
      { newest, before },
    );
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
        `SELECT e.number FROM expansions e JOIN campaigns c ON c.number = e.campaign
         WHERE c.id = @campaignId AND e.id = @id`,
      )
      .pluck()
      .get({ campaignId, id }) as number | undefined;
  }

  /** @throws AppError expansion_not_found */
  get(campaignId: string, id: string): Expansion {
    const row = this.#database
      .prepare(`${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.id = @id`)
      .get({ campaignId, id });
    if (row === undefined) throw expansionNotFound(campaignId, id);
    refuseDamaged(this.#database, referencesOf(row as { readonly number: number }));
    return this.#toExpansion(row, remainingTimes(this.#database));
  }

  /** Newest first. @throws AppError invalid_cursor */
  list(campaignId: string, query: PageQuery): Page<Expansion> {
    const rows = this.#database
      .prepare(`${SELECT_EXPANSION} WHERE c.id = @campaignId AND e.number < @before ORDER BY e.number DESC LIMIT @most`)
      .all({ campaignId, ...boundsOf('expansions', query) }) as { readonly number: number }[];
    const remaining = remainingTimes(this.#database);
    return pageOf(
      'expansions',
      rows,
      query.limit,
      (row) => this.#toExpansion(row, remaining),
      (page) => wholeRows(this.#database, page, referencesOf),
    );
  }

  stateOf(expansion: number): ExpansionState {
    return this.#database
      .prepare('SELECT state FROM expansions WHERE number = @expansion')
      .pluck()
      .get({ expansion }) as ExpansionState;
  }

  /** Goes to another state, or stays; a step that `TRANSITIONS` does not have is a bug. */
  step(expansion: number, to: ExpansionState, now: number, facts: StepFacts): void {
    const from = this.stateOf(expansion);
    assert(from === to || isLegal(from, to), `an expansion never goes from ${from} to ${to}`);
    this.#database
      .prepare(
        `UPDATE expansions SET state = @to, reason = @reason, progress = max(progress, @progress),
           excluded = coalesce(@excluded, excluded), timings = coalesce(@timings, timings),
           computed_with = coalesce(@computedWith, computed_with), quality = coalesce(@quality, quality), updated_at = @now,
           started_at = CASE WHEN @to = 'adapting' THEN coalesce(started_at, @now) ELSE started_at END
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
        computedWith: facts.computedWith ? JSON.stringify(facts.computedWith) : null,
        quality: facts.quality ? JSON.stringify(facts.quality) : null,
      });
  }

  pinsOf(expansion: number): Pins | null {
    const { modelVersion, populationVersion } = this.#database
      .prepare(
        `SELECT model_version AS modelVersion, population_version AS populationVersion
         FROM expansions WHERE number = @expansion`,
      )
      .get({ expansion }) as { modelVersion: string | null; populationVersion: string | null };
    return modelVersion === null || populationVersion === null ? null : { modelVersion, populationVersion };
  }

  /** Writes the pins where there are none yet. */
  pin(expansion: number, pins: Pins, now: number): void {
    this.#database
      .prepare(
        `UPDATE expansions
         SET model_version = @modelVersion, population_version = @populationVersion, updated_at = @now
         WHERE number = @expansion AND model_version IS NULL`,
      )
      .run({ modelVersion: pins.modelVersion, populationVersion: pins.populationVersion, now, expansion });
  }

  setsOf(expansion: number): ExpansionSets {
    const sql = `SELECT ${selectList(SETS)} FROM expansions WHERE number = @expansion`;
    return readRow(SETS, this.#database.prepare(sql).get({ expansion }));
  }

  /** The same by the expansion's id. @throws AppError expansion_not_found */
  setsOfId(id: string): ExpansionSets {
    const number = this.#database.prepare('SELECT number FROM expansions WHERE id = @id').pluck().get({ id });
    if (number === undefined) throw new AppError('expansion_not_found', `there is no expansion ${id}`);
    return this.setsOf(number as number);
  }

  #toExpansion(stored: unknown, remaining: ReturnType<typeof remainingTimes>): Expansion {
    const row = readRow(COLUMNS, stored);
    const { received, known, unknown, duplicate, unknownExamples } = row;
    return {
      id: row.id,
      campaignId: row.campaignId,
      cause: row.cause,
      state: row.state,
      progress: row.progress,
      reason: row.reason,
      features: row.features,
      filters: row.filters,
      seeds: { received, known, unknown, duplicate, unknownExamples },
      feedback: { positives: row.positives, dismissed: row.dismissed },
      excluded: row.excluded,
      modelVersion: row.modelVersion,
      populationVersion: row.populationVersion,
      timings: row.timings,
      computedWith: row.computedWith,
      quality: row.quality,
      audienceVersion: row.audienceVersion,
      remainingMs: remaining(row),
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      updatedAt: row.updatedAt,
    };
  }
}

function referencesOf({ number }: { readonly number: number }): RowReference[] {
  return [['expansions', { number }]];
}
