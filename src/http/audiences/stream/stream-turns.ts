/** Schedules streams: however many are open, the event loop makes chunks for only a few milliseconds at a time. */

/** Chunks are made for this long before everything else that has arrived is handled. */
const TURN_MS = 4;

/** Waits until the caller may make its next chunk. */
export type Turn = () => Promise<void>;

/** Takes a slot for a stream, and returns the function that frees it. Streams with a slot take turns. */
export type TakeStream = (() => () => void) & { readonly turn: Turn };

/**
 * First come, first served: streams continue one after another until `TURN_MS` of an iteration of the event loop have
 * passed. When each of 64 streams continued in every iteration, a look-up had to wait for 64 chunks.
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
    // continues after the chunk, which is made in microtasks: a tick that a microtask requests runs when no microtask
    // is left
    queueMicrotask(() => process.nextTick(() => (now() - start < TURN_MS ? goOn(start) : schedule())));
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
