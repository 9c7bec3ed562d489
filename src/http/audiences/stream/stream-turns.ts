/**
 * Schedules streams, so that chunks occupy the event loop for only a few milliseconds at a time, however many streams
 * are open.
 */

/** Milliseconds for which chunks are produced before the event loop handles other events. */
const TURN_MS = 4;

/** Waits until the stream may produce its next chunk. */
export type Turn = () => Promise<void>;

/**
 * Streams continue in order of arrival until they have used `TURN_MS` in one iteration of the event loop. If each of 64
 * streams produced a chunk in every iteration, a look-up would wait for 64 chunks.
 */
export function createTurns(now: () => number): Turn {
  const waiting: (() => void)[] = [];
  let isScheduled = false;
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      goOn(now());
    });
  };
  const goOn = (start: number) => {
    const next = waiting.shift();
    if (next === undefined) return;
    next();
    if (waiting.length === 0) return;
    // chunks are produced in microtasks, and a `nextTick` callback runs only when no microtask is left, so the chunk is
    // complete by then
    queueMicrotask(() => process.nextTick(() => (now() - start < TURN_MS ? goOn(start) : schedule())));
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
