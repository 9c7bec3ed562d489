/** Metrics of the service's clock. */
import type { Registry } from 'prom-client';
import type { ServiceClock } from '../../lib/service-clock.ts';
import { counter, gauge } from '../health/read-metrics.ts';

export function addClockMetrics({ clock }: { readonly clock: ServiceClock }, registers: Registry[]): void {
  counter(
    'metaheac_clock_jumps_total',
    "Number of jumps of the machine's clock by more than an hour.",
    registers,
    [],
    (self) => {
      self.inc(clock.status.jumps);
    },
  );
  const ahead = "Seconds by which the machine's clock is ahead of the service's time.";
  gauge('metaheac_clock_ahead_seconds', ahead, registers, [], (self) => {
    self.set(clock.status.aheadMs / 1000);
  });
}
