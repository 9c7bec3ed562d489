/** Scores a population for campaigns as the engine does: in threads, with ranking folders at the end. */
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { ThreadPool } from '../../src/engine/pool.ts';
import type { SharedTensor } from '../../src/engine/thread-tasks.ts';
import { assert } from '../../src/lib/errors.ts';
import { createRng } from '../../src/lib/rng.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { adaptedParameters } from '../../src/model/load.ts';
import { readFolderGraph } from '../../src/model/model-graph.ts';
import type { CampaignValues } from '../../src/online/encode.ts';
import { makeRoom } from '../../src/online/user-side/user-side-folders.ts';
import { openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';

export interface ScoringRig {
  readonly users: number;
  /** Queues `campaigns` campaigns, which differ in their adapted parameters, and waits for all their rankings. */
  score(campaigns: number): Promise<void>;
  /** Scores all users for one campaign, without a ranking. */
  scoreAlone(): Promise<void>;
  /** Makes and stores all user sides, none of which may be stored. */
  makeUserSides(): Promise<void>;
  removeUserSides(): void;
  close(): Promise<void>;
}

export interface ScoringRigOptions {
  readonly model: string;
  readonly population: string;
  /** The features of a campaign, by its number. */
  readonly featuresOf: (campaign: number) => CampaignValues;
  readonly threads: number;
  /** Whether scoring computes apart what users alone determine. Default: true. */
  readonly userSides?: boolean;
  /** The folder of the rankings. */
  readonly out: string;
}

export async function openScoringRig({
  featuresOf,
  threads,
  out,
  userSides = true,
  ...paths
}: ScoringRigOptions): Promise<ScoringRig> {
  const pool = await ThreadPool.open(threads, { ...paths, device: 'cpu', userSides });
  const population = openPopulation(paths.population, { trusted: true });
  const blobs = new FileBlobs(out);
  const parameters = sharedParameters(paths.model);
  // the first campaign has the general model's parameters; the others' differ slightly
  const byCampaign: (readonly SharedTensor[])[] = [parameters];
  let rankings = 0;
  const scoresOf = async (campaign: number) => {
    const scores = new Float32Array(population.directory.size).fill(Number.NaN);
    byCampaign[campaign] ??= moved(parameters, campaign);
    await Promise.all(
      Array.from({ length: population.segmentCount }, async (_, segment) => {
        const result = await pool.score(
          {
            ...{ kind: 'score', populationVersion: population.version, segment, externalId: null, category: null },
            ...{ modelKey: `campaign ${campaign}`, parameters: byCampaign[campaign]!, features: featuresOf(campaign) },
          },
          {},
        );
        for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
      }),
    );
    return scores;
  };
  const scoreOne = async (campaign: number) => {
    const scores = await scoresOf(campaign);
    rankings += 1;
    await writeRanking(blobs, `ranking-${rankings}`, scores);
    await blobs.delete(`ranking-${rankings}`);
  };
  return {
    users: population.rowCount,
    score: async (campaigns) => {
      await Promise.all(Array.from({ length: campaigns }, (_, campaign) => scoreOne(campaign)));
    },
    scoreAlone: async () => {
      await scoresOf(0);
    },
    makeUserSides: async () => {
      const { version: populationVersion, segmentCount } = population;
      const made = await Promise.all(
        Array.from({ length: segmentCount }, (_, segment) =>
          pool.makeUserSide(
            { kind: 'user-side', populationVersion, segment, maximumBytes: 2 ** 40 },
            { isBackground: false },
          ),
        ),
      );
      assert(
        made.every(({ bytes }) => bytes !== null && bytes > 0),
        'all user sides were made',
      );
    },
    removeUserSides: () => {
      makeRoom(paths.population, { version: '', model: '' }, 0);
    },
    close: () => pool.close(),
  };
}

/** The adapted parameters of a model, in shared memory. */
function sharedParameters(path: string): SharedTensor[] {
  const folder = readModelFolder(path);
  const graph = readFolderGraph(folder);
  return adaptedParameters(folder, graph).map((name) => {
    const { dtype, shape, data } = graph.initializers.get(name)!;
    const shared = new SharedArrayBuffer(data.byteLength);
    new Float32Array(shared).set(data as Float32Array);
    return { name, dtype, shape, data: shared };
  });
}

function moved(parameters: readonly SharedTensor[], campaign: number): SharedTensor[] {
  const rng = createRng(`campaign ${campaign}`);
  return parameters.map((parameter) => {
    const data = new SharedArrayBuffer(parameter.data.byteLength);
    new Float32Array(data).set(new Float32Array(parameter.data).map((value) => value + 0.01 * rng.normal()));
    return { ...parameter, data };
  });
}
