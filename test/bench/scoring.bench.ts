/** Scoring: two threads with a session each against one, on 22 million parameters. */
import { Worker } from 'node:worker_threads';
import { compare } from './measure.ts';

const BATCH = 2048;
const BATCHES = 12;

export async function benchScoring(): Promise<readonly string[]> {
  const workers = await Promise.all([startThread(), startThread()]);
  const share = (threads: number) => async () => {
    await Promise.all(workers.slice(0, threads).map((worker) => ask(worker, BATCHES / threads)));
  };
  const { ms, ratios } = await compare(4, [share(1), share(2)]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  const rate = (time: number) => Math.round((1000 * BATCH * BATCHES) / time);
  return [`${rate(ms[0]!)} users/s with one thread, ${rate(ms[1]!)} with two: ${ratios[1]!.toFixed(2)} times as many`];
}

async function startThread(): Promise<Worker> {
  const code =
    `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => { register(); return ` +
    `import(${JSON.stringify(new URL('./scoring-thread.ts', import.meta.url).href)}); })`;
  const worker = new Worker(code, { eval: true, execArgv: [], workerData: { batch: BATCH } });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return worker;
}

function ask(worker: Worker, batches: number): Promise<unknown> {
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.postMessage(batches);
  });
}
