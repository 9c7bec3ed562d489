/** Answers its parent, as a process or as a thread, with what it was given. */
import { parentPort, workerData } from 'node:worker_threads';
import { createRng } from '../../../src/lib/rng.ts';

// An import of ours: what is started must read TypeScript all the way.
const drawn: number = createRng('echo').uint32();
if (parentPort) parentPort.postMessage({ given: workerData, drawn });
else process.on('message', (given) => process.send?.({ given, drawn }, () => process.exit(3)));
