/** An adaptation step of the online stage: compact tables against full ones, on 22 million parameters. */
import { openAdaptation } from '../../src/adaptation/adam-program.ts';
import { largeModel, randomBatch } from './large-model.ts';
import { compare } from './measure.ts';

const BATCH = 512;
const BATCHES = 8;

export async function benchAdaptation(): Promise<readonly string[]> {
  const graph = largeModel();
  const parameters = [...graph.initializers.keys()];
  const batches = Array.from({ length: BATCHES }, (_, i) => randomBatch(BATCH, `batch ${i}`));
  const steps = async (compact: boolean) => {
    const program = await openAdaptation(graph, parameters, { compact });
    const run = await program.start(graph.initializers, batches);
    return {
      step: async () => {
        for (let i = 0; i < BATCHES; i++) await run.step(i, 0.001);
      },
      close: () => program.close(),
    };
  };
  const full = await steps(false);
  const compact = await steps(true);
  const { ms, ratios } = await compare(3, [full.step, compact.step]);
  await full.close();
  await compact.close();
  return [
    `a step of ${BATCH} rows takes ${(ms[0]! / BATCHES).toFixed(1)} ms with full tables and ` +
      `${(ms[1]! / BATCHES).toFixed(1)} ms with tables compact over ${BATCHES} batches: ` +
      `${ratios[1]!.toFixed(1)} times as fast, the same numbers`,
  ];
}
