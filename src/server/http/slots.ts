/** Places for work of which only so much may go on at one time. */
import { AppError } from '../../lib/errors.ts';

/** When somebody who found no place may ask again. */
const RETRY_SECONDS = 5;

/**
 * At most `most` are held at one time; one more is `unavailable`, with `busy` saying of what there are so many. What is
 * taken is given back by calling it, once or more.
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

/** A queue in front of slots. */
export interface QueueLimits {
  readonly most: number;
  /** One more is refused at once. */
  readonly mostWaiting: number;
  /** Who has waited so long is refused. */
  readonly waitMs: number;
  readonly busy: string;
}

/** As `createSlots`, but who finds no place waits for one, first come, first served. */
export function createQueue({ most, mostWaiting, waitMs, busy }: QueueLimits): () => Promise<() => void> {
  const waiting = new Set<() => void>();
  let open = 0;
  const hold = () => {
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
    if (open < most) return hold();
    if (waiting.size >= mostWaiting) throw unavailable(open, busy);
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        waiting.delete(enter);
      };
      const enter = () => {
        leave();
        resolve(hold());
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
  return new AppError('unavailable', `${open} ${busy}, the most at one time`, {
    facts: { retry_after: RETRY_SECONDS },
  });
}
