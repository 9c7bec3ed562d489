/** Metrics whose values are read at the time of the scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';

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
