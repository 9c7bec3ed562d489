/**
 * Adaptation with Adam at the Tencent sizes: a step on compact tables, on full ones, and in PyTorch; a whole campaign.
 */
import { availableParallelism } from 'node:os';
import { type AdaptationProgram, type Graph, openAdaptation } from '../../packages/onnx-grad/index.ts';
import type { AdamSettings } from '../../src/model/manifest.ts';
import { DEFAULT_ADAPTATION } from '../../src/model/manifest.ts';
import { bind } from '../../src/online/binding.ts';
import { customise } from '../../src/online/customise.ts';
import type { OnlineContext } from '../../src/online/online-context.ts';
import { openPopulation } from '../../src/population/read.ts';
import { LARGE_CAMPAIGN, openLargeModel, randomBatch, writeLargePopulation } from './large-model.ts';
import { peerWay } from './peer.ts';
import { type BenchOptions, type BenchReport, figure, figures, interleave, ratios, seconds } from './report.ts';
import { withFolder } from './service.ts';

const SIZES = { full: { users: 65_536, rounds: 3 }, quick: { users: 10_000, rounds: 1 } };
const BATCH = 512;
const BATCHES = 8;
/** As many as PyTorch uses. */
const THREADS = availableParallelism();
const SEEDS = 200;
const SETTINGS: AdamSettings = { ...DEFAULT_ADAPTATION, epochs: 8, batch: BATCH, negatives_per_seed: 10 };

export async function benchAdaptation(options: BenchOptions): Promise<BenchReport> {
  return withFolder(async (folder) => {
    const { users, rounds } = options.quick ? SIZES.quick : SIZES.full;
    options.note(`making a model of 22 million parameters and a population of ${users.toLocaleString('en')} users`);
    const { graph, folder: contract } = await openLargeModel(SETTINGS);
    const population = openPopulation(await writeLargePopulation(folder, users));
    const adapted = [...graph.initializers.keys()];
    const [compactProgram, fullProgram] = [
      await openAdaptation(graph, adapted, { compact: true, threads: THREADS }),
      await openAdaptation(graph, adapted, { compact: false, threads: THREADS }),
    ];
    const context: OnlineContext = {
      model: { graph, folder: contract, manifest: contract.manifest, adapted },
      population,
      binding: bind(contract, population),
      program: { kind: 'adam', steps: compactProgram, settings: SETTINGS },
    };
    const compact = await startSteps(compactProgram, graph);
    const full = await startSteps(fullProgram, graph);
    let steps = 0;
    const times = await interleave(rounds, {
      compact,
      full,
      campaign: async () => {
        steps = 0;
        // one report per step, and one at the end
        return seconds(async () => (steps = (await countReports(context, users)) - 1));
      },
      torch: peerWay(options, ({ denseStep }) => denseStep),
    });
    await compactProgram.close();
    await fullProgram.close();
    const inMs = (values: readonly number[]) => values.map((value) => 1000 * value);
    return {
      results: {
        ...figures(
          {
            [`step of ${BATCH} rows, compact tables`]: inMs(times.compact),
            [`step of ${BATCH} rows, full tables`]: inMs(times.full),
            [`step of ${BATCH} rows, PyTorch`]: inMs(times.torch),
          },
          'ms',
        ),
        [`campaign of ${SEEDS} seeds`]: figure(times.campaign, 's'),
      },
      ratios: ratios({
        compact_vs_full: [times.full, times.compact],
        vs_torch_dense: [times.torch, times.compact],
        campaign_vs_torch_dense: [times.torch.map((step) => steps * step), times.campaign],
      }),
      lines: [
        `a campaign takes ${steps} steps: ${SETTINGS.epochs} epochs of ${SEEDS} seeds and ` +
          `${SETTINGS.negatives_per_seed} negatives each, before that the same on four fifths of the seeds`,
      ],
    };
  });
}

/** A way of `interleave`: the seconds of a step. */
async function startSteps(program: AdaptationProgram, graph: Graph): Promise<() => Promise<number>> {
  const batches = Array.from({ length: BATCHES }, (_, i) => randomBatch(BATCH, `batch ${i}`));
  const run = await program.start(graph.initializers, batches);
  return async () => {
    const time = await seconds(async () => {
      for (let i = 0; i < BATCHES; i++) await run.step(i, SETTINGS.rate);
    });
    return time / BATCHES;
  };
}

/** Customises for `SEEDS` users, evenly spread, and returns how often progress was reported. */
async function countReports(context: OnlineContext, users: number): Promise<number> {
  const isSeed = (row: number) => row % Math.floor(users / SEEDS) === 0 && row < SEEDS * Math.floor(users / SEEDS);
  const rows = Int32Array.from({ length: users }, (_, row) => row);
  let reports = 0;
  await customise(context, {
    key: 'bench',
    features: LARGE_CAMPAIGN,
    seeds: rows.filter(isSeed),
    candidates: rows.filter((row) => !isSeed(row)),
    onProgress: () => {
      reports += 1;
    },
  });
  return reports;
}
