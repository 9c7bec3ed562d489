/** Slots that limit how much work of one kind runs at the same time. */
import PQueue from 'p-queue';
import { AppError } from '../../../lib/errors.ts';

/** Seconds after which a caller that got no slot may try again. */
const RETRY_SECONDS = 5;

/**
 * Returns the function that takes a slot. Its result is a function that releases the slot, and may be called more than
 * once. At most `most` slots are held at the same time; a further one is refused as `unavailable`, and `busy` completes
 * the message.
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
  /** Maximum number of callers that wait; further callers are refused at once. */
  readonly mostWaiting: number;
  /** Maximum time that a caller waits; after it the caller is refused. */
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
