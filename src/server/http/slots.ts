/** Slots for work of which only a limited amount may run at the same time. */
import { AppError } from '../../lib/errors.ts';

/** When a caller that got no slot may try again. */
const RETRY_SECONDS = 5;

/**
 * At most `most` are held at the same time; one more is `unavailable`, with `busy` naming what there is too much of.
 * Calling a taken slot, once or more, releases it.
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
  /** Any more are refused at once. */
  readonly mostWaiting: number;
  /** A caller that has waited this long is refused. */
  readonly waitMs: number;
  readonly busy: string;
}

/** Like `createSlots`, but a caller that gets no slot waits for one, first come, first served. */
export function createQueue({ most, mostWaiting, waitMs, busy }: QueueLimits): () => Promise<() => void> {
  const waiting = new Set<() => void>();
  let open = 0;
  const take = () => {
    open += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      open -= 1;
      const [next] = waiting;
      next?.();
    };
  };
  return async () => {
    if (open < most) return take();
    if (waiting.size >= mostWaiting) throw unavailable(open, busy);
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        waiting.delete(enter);
      };
      const enter = () => {
        leave();
        resolve(take());
      };
      const timer = setTimeout(() => {
        leave();
        reject(unavailable(open, busy));
      }, waitMs);
      waiting.add(enter);
    });
  };
}

function unavailable(open: number, busy: string): AppError {
  return new AppError('unavailable', `${open} ${busy}, the maximum`, {
    facts: { retry_after: RETRY_SECONDS },
  });
}
