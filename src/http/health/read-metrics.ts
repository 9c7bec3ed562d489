/** Metrics whose values are read from elsewhere at the moment of a scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** A gauge that `collect` sets. What it throws fails this scrape. */
export function gauge(
  name: string,
  help: string,
  registers: Registry[],
  labelNames: readonly string[],
  collect: (self: Gauge) => void,
): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      collect(this);
    },
  });
}

/** A counter that starts at zero in each scrape, and that `collect` increases to what it is. */
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
