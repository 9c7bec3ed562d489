/** What a start does with a model's graph at the Tencent sizes: reading, differentiating, opening a session. */

import {
  buildStepGraph,
  cutTables,
  type Graph,
  openSession,
  readModel,
  type Session,
  trainableParameters,
  writeModel,
} from '../../packages/onnx-grad/index.ts';
import { largeModel } from './large-model.ts';
import { type BenchOptions, type BenchReport, figures, interleave, seconds } from './report.ts';

const ROUNDS = { full: 10, quick: 2 };

export async function benchGraph({ quick, note }: BenchOptions): Promise<BenchReport> {
  note('making a model of 22 million parameters');
  const bytes = writeModel(largeModel());
  let graph: Graph | null = null;
  let step: Graph | null = null;
  let session: Session | null = null;
  const { read, differentiate, open } = await interleave(quick ? ROUNDS.quick : ROUNDS.full, {
    read: () =>
      seconds(async () => {
        graph = readModel(bytes);
      }),
    differentiate: () =>
      seconds(async () => {
        const adapted = trainableParameters(graph!);
        step = buildStepGraph(cutTables(graph!, adapted), adapted);
      }),
    open: async () => {
      const time = await seconds(async () => {
        session = await openSession(step!);
      });
      await session!.close();
      return time;
    },
  });
  const all = read.map((time, i) => time + differentiate[i]! + open[i]!);
  return {
    results: figures({ read, differentiate, 'create the session': open, 'all three': all }, 's'),
    ratios: {},
    lines: [
      'no adaptation graph is cached: differentiating the model that was read takes less than reading a graph would',
    ],
  };
}
