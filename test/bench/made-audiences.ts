/** Many campaigns with made-up rankings, published as by the engine, without a model. */

import { writeRanking } from '../../src/audience/write-ranking.ts';
import { rankingFolder } from '../../src/domain/ranking-name.ts';
import { DEFAULT_SERVER_CONFIG } from '../../src/http/config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRng } from '../../src/lib/rng.ts';
import { openPopulation } from '../../src/population/read.ts';
import { locateStore, lockStore, openStore } from '../../src/storage/open-store.ts';

const SEEDS = ['person-000001', 'person-000002'];
/** A prime that divides no benchmark's number of users. */
const STRIDE = 7_368_787;

interface Made {
  readonly campaigns: number;
  /** Size of each audience, in percent of the ranked users. */
  readonly percent: number;
  /** Number of users ranked, from the start of the population; all by default. */
  readonly ranked?: number;
  /** Whether quality is copied from the newest ready campaign; not by default. */
  readonly isQualityCopied?: boolean;
}

/** Makes campaigns in `dataDir`, each with its own audience. */
export async function makeAudiences(dataDir: string, folder: string, made: Made): Promise<void> {
  const { minimumSeeds, leaseMs, maximumAttempts } = DEFAULT_SERVER_CONFIG;
  const population = openPopulation(folder);
  const locator = locateStore(dataDir);
  const unlock = await lockStore(locator);
  const store = await openStore(locator, {
    clock: systemClock,
    minimumSeeds: Math.min(minimumSeeds, 1),
    leaseMs,
    maximumAttempts,
  });
  const { campaigns, percent, ranked: users = population.directory.size } = made;
  const [latest] = made.isQualityCopied ? (await store.list({ limit: 1, state: 'ready' })).items : [];
  // the scores of every campaign are those of the first, assigned to other users
  const rng = createRng('made audiences');
  const drawn = Float32Array.from({ length: users }, () => rng.uniform());
  const scores = new Float32Array(users);
  try {
    for (let i = 0; i < campaigns; i++) {
      await store.create(
        {
          name: `made ${i}`,
          features: {},
          featureCounts: { unknown: 0, missing: 0 },
          seeds: SEEDS,
          audience: { percent },
        },
        (id) => population.directory.find(id) >= 0,
      );
      const job = (await store.claim(`${process.pid}:bench`))!;
      await store.pin(job, { modelVersion: 'made', populationVersion: population.version });
      await store.advance(job, { state: 'adapting', progress: 0.1 });
      await store.advance(job, { state: 'scoring', progress: 0.5 });
      for (let user = 0; user < users; user++) scores[user] = drawn[(user * STRIDE + i * 104_729) % users]!;
      const ranking = rankingFolder(job.campaignId, job.expansionId);
      const { candidates } = await writeRanking(store.blobs, ranking, scores);
      const excluded = { seeds: 0, suppressed: 0, filtered: 0 };
      const computedWith = { device: 'cpu', threads: 2, batchSize: 1024 };
      const result = { folder: ranking, candidates, populationSize: users, excluded, timings: {} };
      await store.finish(job, { ...result, computedWith, quality: latest?.quality ?? {} });
    }
  } finally {
    await store.close();
    unlock();
  }
}
