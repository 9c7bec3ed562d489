/** When V8 collects the garbage of an engine's threads. */

/** `--max-semi-space-size`: few objects outlive a batch, so less than Node's 16 suffices. */
const YOUNG_MIB = 2;

/**
 * `--heap-growing-percent`: how much a thread may add to its heap of 40 MB until all its garbage is collected. Buffers
 * count too: an expansion of four million users took eleven collections with the percentage that V8 chooses or 30, and
 * three with 150, which took 5 to 7 % more memory at rest than V8's choice had before; 70 took 3 %.
 */
const GROWTH_PERCENT = 100;

export const GARBAGE_FLAGS: readonly string[] = [
  `--max-semi-space-size=${YOUNG_MIB}`,
  `--heap-growing-percent=${GROWTH_PERCENT}`,
];
