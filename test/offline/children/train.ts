/** Trains on the data set and into the folder of its arguments, and kills itself after the step of the third. */

import { train } from '../../../src/offline/train.ts';
import { openWorkspace } from '../../../src/offline/workspace.ts';
import { CPU } from '../../../src/runtime/session.ts';
import { SMALL_SETTINGS } from '../small-data-set.ts';

const [data, out, last] = process.argv.slice(2);
const workspace = await openWorkspace(data!);
await train(workspace, {
  out: out!,
  settings: SMALL_SETTINGS,
  device: CPU,
  clock: { now: () => 0, elapsed: () => 0 },
  resume: false,
  signal: new AbortController().signal,
  onProgress: ({ step }) => {
    if (step !== Number(last)) return;
    // what it imported is in a temporary folder that nobody else would remove
    workspace.close();
    process.kill(process.pid, 'SIGKILL');
  },
});
