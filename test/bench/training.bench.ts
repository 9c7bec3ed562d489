/**
 * Training: a second-order meta step of the published recipe at the Tencent sizes, then the default recipe in threads.
 */
import { Adam, CPU } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { DEFAULT_ADAPTATION } from '../../src/model/manifest.ts';
import { openPopulation } from '../../src/population/read.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';
import { type Learners, openLearners } from '../../src/training/meta/learners.ts';
import { metaTrain } from '../../src/training/meta/meta-train.ts';
import { PUBLISHED_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { LARGE, LARGE_CAMPAIGN, openLargeModel, writeLargePopulation } from './large-model.ts';
import { peerWay } from './peer.ts';
import { type BenchOptions, type BenchReport, figures, interleave, ratios, seconds } from './report.ts';
import { withFolder } from './service.ts';
import { benchTrainingThreads } from './training-threads.ts';

const SIZES = { full: { steps: 3, rounds: 3 }, quick: { steps: 1, rounds: 1 } };
const USERS = 16_384;
/** Rows of a campaign's history: enough for a support and a query batch without repetition. */
const HISTORY_ROWS = 2048;
const SETTINGS = { ...PUBLISHED_TRAIN_SETTINGS, embedding: LARGE.embedding, batchSize: 512, taskCount: 5 };

export async function benchTraining(options: BenchOptions): Promise<BenchReport> {
  return withFolder(async (folder) => {
    const published = await benchPublished(folder, options);
    const { rounds } = options.quick ? SIZES.quick : SIZES.full;
    const threads = await benchTrainingThreads(folder, rounds);
    return {
      results: { ...published.results, ...threads.results },
      ratios: { ...published.ratios, ...threads.ratios },
    };
  });
}

async function benchPublished(folder: string, options: BenchOptions): Promise<BenchReport> {
  const { steps, rounds } = options.quick ? SIZES.quick : SIZES.full;
  options.note(`making a model of 22 million parameters and a population of ${USERS.toLocaleString('en')} users`);
  const initialModel = await openLargeModel(DEFAULT_ADAPTATION);
  const population = openPopulation(await writeLargePopulation(folder, USERS));
  const open = (threads: number) =>
    openLearners({ population }, initialModel, { settings: SETTINGS, device: CPU, threads });
  const [one, two] = [await open(1), await open(2)];
  const optimiser = new Adam(initialModel.graph.initializers);
  const campaigns = Array.from({ length: SETTINGS.taskCount }, (_, i) => campaignOf(`campaign ${i}`));
  const secondsPerStep = async (learners: Learners) => {
    const end = optimiser.steps + steps;
    const time = await seconds(() =>
      metaTrain({
        learners,
        settings: SETTINGS,
        optimiser,
        on: campaigns,
        future: [],
        key: 'bench',
        signal: new AbortController().signal,
        isOver: (step) => step === end,
        onStep: async () => {},
      }),
    );
    return time / steps;
  };
  try {
    const times = await interleave(rounds, {
      two: () => secondsPerStep(two),
      one: () => secondsPerStep(one),
      torch: peerWay(options, ({ metaStep }) => metaStep),
    });
    const step = `meta step of ${SETTINGS.taskCount} x (512 + 512) rows, k = ${LARGE.embedding}`;
    return {
      results: figures(
        { [`${step}, 2 threads`]: times.two, [`${step}, 1 thread`]: times.one, [`${step}, PyTorch`]: times.torch },
        's',
      ),
      ratios: ratios({ vs_torch: [times.torch, times.two], meta_step_1_thread_vs_2: [times.one, times.two] }),
    };
  } finally {
    await one.close();
    await two.close();
  }
}

/** A campaign with a history of random users, half of whom liked it. */
function campaignOf(id: string): CampaignHistory {
  const rng = createRng(id);
  const users = Int32Array.from({ length: HISTORY_ROWS }, () => rng.integer(USERS));
  const none = { users: new Int32Array(0), labels: new Uint8Array(0) };
  return {
    id,
    features: LARGE_CAMPAIGN,
    split: 'train',
    group: null,
    train: { users, labels: Uint8Array.from(users, () => (rng.uniform() < 0.5 ? 1 : 0)) },
    seeds: new Int32Array(0),
    evaluation: none,
  };
}
