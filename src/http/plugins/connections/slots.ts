/** Slots that limit how many tasks of one kind run at the same time. */
import PQueue from 'p-queue';
import { AppError } from '../../../lib/errors.ts';

/** Seconds after which a caller that got no slot may retry. */
const RETRY_SECONDS = 5;

/**
 * Returns a function that takes a slot and returns a function to release it. Releasing a slot twice has no effect. If
 * all `most` slots are taken, callers get AppError unavailable, whose message contains `what`.
 */
export function createSlots(most: number, what: string): () => () => void {
  let open = 0;
  return () => {
    if (open >= most) throw busy(open, what);
    open++;
    let isHeld = true;
    return () => {
      if (isHeld) open--;
      isHeld = false;
    };
  };
}

/** Limits of a queue for slots. */
export interface QueueLimits {
  readonly most: number;
  /** Maximum number of callers that wait. Further callers are refused at once. */
  readonly mostWaiting: number;
  /** Maximum number of milliseconds that a caller waits before being refused. */
  readonly waitMs: number;
  readonly what: string;
}

/** Like `createSlots`, but if no slot is free, callers wait for one in the order of their arrival. */
export function createQueue({ most, mostWaiting, waitMs, what }: QueueLimits): () => Promise<() => void> {
  const queue = new PQueue({ concurrency: most });
  return async () => {
    if (queue.pending + queue.size >= most + mostWaiting) throw busy(queue.pending, what);
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(busy(queue.pending, what)), waitMs);
    return new Promise((resolve, reject) => {
      // each slot is a queued task, which ends when the slot is released
      const slot = () =>
        new Promise<void>((release) => {
          clearTimeout(timer);
          resolve(release);
        });
      queue.add(slot, { signal: patience.signal }).catch(reject);
    });
  };
}

/** The error of a caller who gets no slot. */
export function busy(open: number, what: string): AppError {
  return new AppError('unavailable', `${open} ${what}, which is the maximum`, {
    facts: { retry_after: RETRY_SECONDS },
  });
}
