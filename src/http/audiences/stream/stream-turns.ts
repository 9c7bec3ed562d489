/** Schedules streams: however many are open, the event loop makes chunks for only a few milliseconds at a time. */

/** Time for which chunks are made before everything else that has arrived is handled. */
const TURN_MS = 4;

/** Waits until the caller may make its next chunk. */
export type Turn = () => Promise<void>;

/** Takes a slot for a stream, until what it returns is called; its streams take turns. */
export type TakeStream = (() => () => void) & { readonly turn: Turn };

/**
 * First come, first served: in each iteration of the event loop one stream continues, then the next, until `TURN_MS`
 * have passed. When each of 64 streams continued in every iteration, a look-up waited for a chunk of all of them.
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
    // after the chunk, which is made in microtasks: a tick requested in a microtask runs when none is left
    queueMicrotask(() => process.nextTick(() => (now() - start < TURN_MS ? goOn(start) : schedule())));
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
