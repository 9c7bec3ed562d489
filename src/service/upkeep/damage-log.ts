/**
 * Counts the damaged files found while serving, logs each of them once, and queues new expansions for damaged active
 * audiences.
 */

import type { CampaignStore } from '../../domain/ports/store.ts';
import type { DamagedRow } from '../../domain/ports/upkeep.ts';
import { isEnd } from '../../domain/states.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';
import type { Damage, DamageKind } from '../ports/health.ts';

export interface DamageLogOptions {
  readonly store: Pick<CampaignStore, 'activeAudiences' | 'get' | 'expand'>;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'now'>;
  /** Called after an expansion was queued. */
  readonly wake: () => void;
  /** Called when all damaged files of the population are intact again. */
  readonly onPopulationWhole?: () => void;
}

export class DamageLog {
  readonly #options: DamageLogOptions;
  /** Known damage by path. */
  readonly #known = new Map<string, Damage>();
  /** Rankings whose campaigns were already queued because of damage, so that reads do not queue a campaign twice. */
  readonly #queued = new Set<string>();
  readonly #counts: Record<DamageKind, number> = { ranking: 0, user_set: 0, population: 0, row: 0 };

  constructor(options: DamageLogOptions) {
    this.#options = options;
  }

  counts(): Readonly<Record<DamageKind, number>> {
    return this.#counts;
  }

  /** Lists current damage, oldest first. */
  known(): readonly Damage[] {
    return [...this.#known.values()];
  }

  /** Records that a path is intact again, or no longer needed. */
  mend(path: string): void {
    const known = this.#known.get(path);
    if (known === undefined) return;
    this.#known.delete(path);
    this.#queued.delete(path);
    this.#options.logger.info({ kind: known.kind, path }, 'damage is repaired, or the data is no longer needed');
    if (known.kind === 'population' && this.known().every(({ kind }) => kind !== 'population'))
      this.#options.onPopulationWhole?.();
  }

  /** Records a damaged file or folder, and logs it the first time. */
  note(kind: DamageKind, path: string, message: string): void {
    if (this.#known.has(path)) return;
    this.#known.set(path, { kind, path, foundAt: this.#options.clock.now() });
    this.#counts[kind] += 1;
    const what = kind === 'row' ? 'row of the database' : 'file';
    this.#options.logger.error({ kind, path, reason: message }, `a damaged ${what} was found and is not served`);
  }

  /** Records a damaged row of the database. */
  noteRow({ table, id }: DamagedRow): void {
    this.note('row', `${table}/${id}`, 'the row is damaged (its checksum differs): restore a backup');
  }

  /**
   * Records a damaged ranking. If the ranking belongs to an active audience, the campaign is expanded again, unless an
   * expansion is already running; equal inputs give equal bytes. Reads that find the damage cause only one expansion.
   * Each pass of the scrubber causes another expansion while the damaged version stays active, because the previous
   * expansion may have failed or been cancelled, or the version may have been reactivated. This function runs in a
   * later iteration of the event loop and never throws. If there is no message, the damage was found by a read,
   * possibly of a version that was just deleted.
   */
  noteRanking(folder: string, message?: string): void {
    setImmediate(() => {
      this.#makeAgain(folder, message).catch((error: unknown) => {
        // the disk or the queue is full, and the next read tries again
        this.#queued.delete(folder);
        this.#options.logger.error(
          { err: error, path: folder },
          'a new expansion for a damaged audience could not be queued',
        );
      });
    });
  }

  async #makeAgain(folder: string, message: string | undefined): Promise<void> {
    const { store, logger, wake } = this.#options;
    if (message === undefined && this.#queued.has(folder)) return;
    const audience = (await store.activeAudiences()).find((one) => one.folder === folder);
    if (audience === undefined && message === undefined) return;
    this.note('ranking', folder, message ?? 'the damage was found by a read');
    // this version is not active, so no new expansion is queued and reads keep failing
    if (audience === undefined) return;
    const { campaignId } = audience;
    const { state } = await store.get(campaignId);
    if (state !== null && !isEnd(state)) return;
    this.#queued.add(folder);
    const { id } = await store.expand(campaignId);
    logger.warn({ campaign: campaignId, expansion: id }, 'the campaign of a damaged audience is being expanded again');
    wake();
  }
}
