/** Turns of streams: however many are open, the event loop makes their chunks for a few milliseconds at a time. */

/** How long chunks are made before everything else that has arrived gets its turn. */
const TURN_MS = 4;

/** Waits until the caller may make its next chunk. */
export type Turn = () => Promise<void>;

/** Takes a slot for a stream, until what it returns is called; its streams take turns. */
export type TakeStream = (() => () => void) & { readonly turn: Turn };

/**
 * First come, first served: in each turn of the event loop one stream goes on, then the next, until `TURN_MS` have
 * passed. With a turn of its own for each of 64 streams, a look-up waited for a chunk of all of them.
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
    // behind the chunk, which is made in microtasks: a tick that one of these asks for comes when none is left
    queueMicrotask(() => process.nextTick(() => (now() - start < TURN_MS ? goOn(start) : schedule())));
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
