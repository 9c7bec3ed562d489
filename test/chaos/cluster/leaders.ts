/** Watches which process leads: each new leader increases the term in the database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/lib/clock.ts';
import type { RestartablePostgres } from './postgres.ts';

const PAUSE_MS = 250;

export class Leaders {
  readonly #postgres: Pick<RestartablePostgres, 'query'>;
  readonly #moves: number[] = [];
  #term: string | null = null;
  #isEnded = false;
  readonly #ended: Promise<void>;

  constructor(postgres: Pick<RestartablePostgres, 'query'>) {
    this.#postgres = postgres;
    this.#ended = this.#watch();
  }

  /** When another process had begun to lead, in ms since 1970, without the first leader. */
  get moves(): readonly number[] {
    return this.#moves;
  }

  async close(): Promise<void> {
    this.#isEnded = true;
    await this.#ended;
  }

  async #watch(): Promise<void> {
    while (!this.#isEnded) {
      const rows = await this.#postgres.query<{ term: string }>('SELECT term FROM leaders').catch(() => []);
      const term = rows[0]?.term ?? this.#term;
      if (this.#term !== null && term !== this.#term) this.#moves.push(systemClock.now());
      this.#term = term;
      await sleep(PAUSE_MS);
    }
  }
}
