/** Rows of expansions: creation, the legal steps between states, progress and pins. */
import { assert } from '../lib/errors.ts';
import type { Database } from './database.ts';
import { type ExpansionState, isLegal } from './states.ts';
import type { Pins, Reason, SeedCounts } from './types.ts';
import type { UserSet } from './user-sets.ts';

/** What a step to another state writes beside it. */
export interface StepFacts {
  readonly reason: Reason | null;
  readonly progress?: number;
  readonly timings?: Readonly<Record<string, number>> | undefined;
  readonly quality?: Readonly<Record<string, unknown>>;
}

export class Expansions {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The campaign's newest expansion; gives its number. */
  insert(row: {
    readonly id: string;
    readonly campaign: number;
    readonly state: 'queued' | 'too_small';
    readonly reason: Reason | null;
    readonly seedSet: UserSet;
    readonly seeds: SeedCounts;
    readonly now: number;
  }): number {
    this.#database
      .prepare(
        'INSERT INTO seed_sets (sha256, users, size_bytes, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      )
      .run(row.seedSet.sha256, row.seedSet.users, row.seedSet.sizeBytes, row.now);
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO expansions (id, campaign, latest, state, reason, seed_set, seeds_received, seeds_known, seeds_unknown,
           seeds_duplicate, unknown_examples, created_at, updated_at)
         VALUES (@id, @campaign, 1, @state, @reason, @seedSet, @received, @known, @unknown, @duplicate, @examples, @now, @now)`,
      )
      .run({
        id: row.id,
        campaign: row.campaign,
        state: row.state,
        reason: row.reason && JSON.stringify(row.reason),
        seedSet: row.seedSet.sha256,
        received: row.seeds.received,
        known: row.seeds.known,
        unknown: row.seeds.unknown,
        duplicate: row.seeds.duplicate,
        examples: JSON.stringify(row.seeds.unknownExamples),
        now: row.now,
      });
    return Number(lastInsertRowid);
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
        `UPDATE expansions SET state = @to, reason = @reason, progress = max(progress, @progress),
           timings = coalesce(@timings, timings), quality = coalesce(@quality, quality), updated_at = @now
         WHERE number = @expansion`,
      )
      .run({
        expansion,
        to,
        now,
        reason: facts.reason && JSON.stringify(facts.reason),
        progress: facts.progress === undefined ? 0 : Math.min(1, Math.max(0, facts.progress)),
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

  seedSetOf(expansionId: string): string {
    return this.#database.prepare('SELECT seed_set FROM expansions WHERE id = ?').pluck().get(expansionId) as string;
  }
}
