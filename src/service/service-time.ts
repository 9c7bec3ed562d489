/** Keeps the time of a service: checks its clock every second and logs changes. */
import type { CampaignStore } from '../domain/ports/store.ts';
import { type Clock, findBootId, readSleptMs } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import { type ClockEvent, ServiceClock } from '../lib/service-clock.ts';

const LOOK_EVERY_MS = 1_000;
/** Minimum correction of the clock that is logged. */
const LOGGED_MS = 10_000;

interface TimeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settleMs: number;
}

/** Makes the clock for the store. Call `keepTime` with the clock and the opened store before anything is written. */
export function openServiceClock({ clock, logger, settleMs }: TimeOptions): ServiceClock {
  let failedWith: string | null = null;
  const onEvent = (event: ClockEvent) => {
    if (event.kind !== 'not written') failedWith = null;
    else {
      // the failure is logged once, not every second
      const message = messageOf(event.error);
      if (message !== failedWith) logger.error({ err: event.error }, 'the service clock cannot be saved yet');
      failedWith = message;
      return;
    }
    tell(event, logger, settleMs);
  };
  return new ServiceClock({ system: clock, boot: findBootId(), sleptMs: () => readSleptMs(), settleMs, onEvent });
}

/** Continues from the time that earlier runs recorded; returns a function that stops the clock checks. */
export function keepTime(clock: ServiceClock, store: CampaignStore, logger: Logger): () => void {
  clock.attach(store.clock);
  const timer = setInterval(() => clock.look(), LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    try {
      clock.remember();
    } catch (error) {
      logger.warn({ err: error }, 'the service clock could not be saved at shutdown');
    }
  };
}

function tell(event: Exclude<ClockEvent, { readonly kind: 'not written' }>, logger: Logger, settleMs: number): void {
  const seconds = Math.round(event.ms / 1000);
  if (event.kind === 'jumped') {
    const settles = { settles_in_seconds: settleMs / 1000 };
    logger.warn({ seconds, ...settles }, "the machine's clock jumped: deletion by age is paused");
  } else if (event.kind === 'settled') {
    logger.info({ seconds, how: event.how }, "the machine's clock is trusted again");
  } else if (Math.abs(event.ms) >= LOGGED_MS) logger.info({ seconds }, "the machine's clock was corrected");
}
