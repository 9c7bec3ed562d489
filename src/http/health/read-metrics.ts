/** Metrics whose values are read at the time of the scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { CampaignStore } from '../../domain/ports/store.ts';

/** A gauge whose value `collect` sets. If `collect` throws, the scrape fails. */
export function gauge(
  name: string,
  help: string,
  registers: Registry[],
  labelNames: readonly string[],
  collect: (self: Gauge) => void | Promise<void>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      return collect(this);
    },
  });
}

/** A counter that is reset before each scrape, and that `collect` increases to the current value. */
export function counter(
  name: string,
  help: string,
  registers: Registry[],
  labelNames: readonly string[],
  collect: (self: Counter) => void,
): void {
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      this.reset();
      collect(this);
    },
  });
}

/** A gauge of values from a store, which has no values while the database of a cluster does not answer. */
export function storeGauge(
  { cluster }: Pick<CampaignStore, 'cluster'>,
  name: string,
  help: string,
  registers: Registry[],
  labelNames: readonly string[],
  collect: (self: Gauge) => Promise<void>,
): void {
  gauge(name, help, registers, labelNames, async (self) => {
    if ((cluster?.outage() ?? null) === null) await collect(self);
    else if (labelNames.length > 0) self.reset();
    else self.remove();
  });
}
