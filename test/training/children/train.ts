/**
 * Trains with the data set and the output folder of its first arguments, and kills itself after the step in the third.
 */

import { CPU } from '../../../packages/onnx-grad/index.ts';
import { prepareDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { train } from '../../../src/training/train.ts';
import { SMALL_SETTINGS } from '../small-data-set.ts';

const [data, out, last] = process.argv.slice(2);
const prepared = await prepareDataSet(data!);
await train(prepared, {
  out: out!,
  settings: SMALL_SETTINGS,
  device: CPU,
  clock: { now: () => 0, elapsed: () => 0 },
  resume: false,
  signal: new AbortController().signal,
  onProgress: ({ step }) => {
    if (step !== Number(last)) return;
    // the imported users are in a temporary folder that nobody else would remove
    prepared.close();
    process.kill(process.pid, 'SIGKILL');
  },
});
