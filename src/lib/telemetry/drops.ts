/** Logs telemetry that exporters could not deliver. */
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging.ts';

/** Minimum interval between two warnings about dropped data. */
const WARN_EVERY_MS = 60_000;

interface Exporter<Items> {
  export(items: Items, done: (result: ExportResult) => void): void;
}

/**
 * Logs batches that were dropped. A warning contains only the receiver's status or the error's message, because the
 * response may repeat headers with keys.
 */
export class Drops {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #logger: Logger;
  #dropped = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'elapsed'>, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Counts the failures of an exporter from now on. Returns the exporter. */
  watch<E extends Exporter<Items>, Items>(exporter: E & Exporter<Items>, signal: 'traces' | 'metrics'): E {
    const send = exporter.export.bind(exporter);
    exporter.export = (items, done) =>
      send(items, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) this.#count(signal, reasonOf(result.error));
        done(result);
      });
    return exporter;
  }

  #count(signal: string, reason: string): void {
    this.#dropped += 1;
    const now = this.#clock.elapsed();
    if (now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#logger.warn(
      { signal, reason, batches: this.#dropped },
      'telemetry was dropped because the receiver did not accept it',
    );
    this.#dropped = 0;
  }
}

function reasonOf(error: (Error & { readonly code?: unknown }) | undefined): string {
  return typeof error?.code === 'number' ? `status ${error.code}` : (error?.message ?? 'unknown');
}
