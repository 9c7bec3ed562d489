/** Slots for work of which only a limited amount may run at the same time. */
import PQueue from 'p-queue';
import { AppError } from '../../../lib/errors.ts';

/** When a caller that got no slot may try again. */
const RETRY_SECONDS = 5;

/**
 * At most `most` slots are held at the same time; one more is `unavailable`, and `busy` completes the message. Calling
 * a taken slot, once or more, releases it.
 */
export function createSlots(most: number, busy: string, onChange: (open: number) => void = () => {}): () => () => void {
  let open = 0;
  return () => {
    if (open >= most) throw unavailable(open, busy);
    onChange(++open);
    let isHeld = true;
    return () => {
      if (isHeld) onChange(--open);
      isHeld = false;
    };
  };
}

/** A queue for slots. */
export interface QueueLimits {
  readonly most: number;
  /** Further callers are refused at once. */
  readonly mostWaiting: number;
  /** A caller that has waited this long is refused. */
  readonly waitMs: number;
  readonly busy: string;
}

/** Like `createSlots`, but a caller that gets no slot waits for one, first come, first served. */
export function createQueue({ most, mostWaiting, waitMs, busy }: QueueLimits): () => Promise<() => void> {
  const queue = new PQueue({ concurrency: most });
  return async () => {
    if (queue.pending + queue.size >= most + mostWaiting) throw unavailable(queue.pending, busy);
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(unavailable(queue.pending, busy)), waitMs);
    return new Promise((resolve, reject) => {
      // a slot is a task of the queue that lasts until it is released
      const slot = () =>
        new Promise<void>((release) => {
          clearTimeout(timer);
          resolve(release);
        });
      queue.add(slot, { signal: patience.signal }).catch(reject);
    });
  };
}

function unavailable(open: number, busy: string): AppError {
  return new AppError('unavailable', `${open} ${busy}, the maximum`, {
    facts: { retry_after: RETRY_SECONDS },
  });
}
