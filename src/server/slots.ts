/** Places for work of which only so much may go on at one time. */
import { AppError } from '../lib/errors.ts';

/** When somebody who found no place may ask again. */
const RETRY_SECONDS = 5;

/**
 * At most `most` are held at one time; one more is `unavailable`, with `busy` saying of what there are so many. What is taken is given back by
 * calling it, once or more.
 */
export function createSlots(most: number, busy: string, onChange: (open: number) => void = () => {}): () => () => void {
  let open = 0;
  return () => {
    if (open >= most) {
      throw new AppError('unavailable', `${open} ${busy}, the most at one time`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    onChange(++open);
    let isHeld = true;
    return () => {
      if (isHeld) onChange(--open);
      isHeld = false;
    };
  };
}
