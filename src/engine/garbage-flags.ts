/** When V8 collects the garbage of an engine's threads. */

/** `--max-semi-space-size`: few objects outlive a batch, so less than Node's 16 suffices. */
const YOUNG_MIB = 2;

/**
 * `--heap-growing-percent`: how much a thread may add to its heap of 40 MB until all its garbage is collected. Buffers
 * count too, so with the 10 to 30 % that V8 chooses, an expansion of four million users takes eleven collections, and
 * four with this. More than 64 MB has no effect, because that is the limit for buffers alone; 150 % takes 20 MB more.
 */
const GROWTH_PERCENT = 100;

export const GARBAGE_FLAGS: readonly string[] = [
  `--max-semi-space-size=${YOUNG_MIB}`,
  `--heap-growing-percent=${GROWTH_PERCENT}`,
];
