/** One thread of the scoring benchmark: scores as many batches as it is asked to. */
import { parentPort, workerData } from 'node:worker_threads';
import { cutTables } from '../../src/graph/index.ts';
import { openSession } from '../../src/runtime/session.ts';
import { largeModel, randomBatch } from './large-model.ts';

const graph = largeModel();
const session = await openSession(cutTables(graph, [...graph.initializers.keys()], { compact: false }).compactGraph);
const feeds = {
  ...Object.fromEntries(graph.initializers),
  ...randomBatch((workerData as { batch: number }).batch, 'scored').feeds,
};
parentPort!.on('message', async (batches: number) => {
  for (let i = 0; i < batches; i++) await session.run(feeds);
  parentPort!.postMessage('done');
});
parentPort!.postMessage('ready');
