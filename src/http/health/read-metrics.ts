/** Metrics whose values are read at the time of the scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** A value for each set of labels; null if unknown, so the metric is omitted. */
type Values = readonly (readonly [labels: Record<string, string>, value: number])[] | number | null | undefined;

/** Values that differ by one label. */
export function by(label: string, values: Readonly<Record<string, number>>): Values {
  return Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
}

export class ReadMetrics {
  readonly #registry: Registry;
  /** Returns true while the cluster's database does not answer. */
  readonly #isOut: () => boolean;

  constructor(registry: Registry, isOut: () => boolean = () => false) {
    this.#registry = registry;
    this.#isOut = isOut;
  }

  /** Adds a gauge. If `read` throws, the scrape fails. */
  gauge(name: string, help: string, read: () => Values | Promise<Values>, labelNames: readonly string[] = []): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      async collect() {
        const values = await read();
        if (labelNames.length > 0) this.reset();
        else this.remove();
        if (typeof values === 'number') this.set(values);
        else for (const [labels, value] of values ?? []) this.set(labels, value);
      },
    });
  }

  /** Adds a gauge that reads the store. It is omitted while the cluster's database does not answer. */
  storeGauge(name: string, help: string, read: () => Promise<Values>, labelNames?: readonly string[]): void {
    this.gauge(name, help, async () => (this.#isOut() ? null : read()), labelNames);
  }

  /** Adds a counter with the values that `read` returns. A counter without labels is 0 if its value is unknown. */
  counter(name: string, help: string, read: () => Values, labelNames: readonly string[] = []): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        const values = read();
        if (typeof values === 'number') this.inc(values);
        else for (const [labels, value] of values ?? []) this.inc(labels, value);
      },
    });
  }
}
