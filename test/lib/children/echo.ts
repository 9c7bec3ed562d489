/** Returns its input to its parent, as a process or as a thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { createRng } from '../../../src/lib/rng.ts';

// An import from the sources: the started module must be able to read TypeScript throughout.
const drawn: number = createRng('echo').uint32();
if (parentPort) parentPort.postMessage({ given: workerData, drawn });
else process.on('message', (given) => process.send?.({ given, drawn }, () => process.exit(3)));
