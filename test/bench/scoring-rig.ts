/** Scores a population for campaigns as the engine does: in threads, with ranking folders at the end. */
import { writeRanking } from '../../src/audience/write-ranking.ts';
import { ThreadPool } from '../../src/engine/pool.ts';
import type { SharedTensor } from '../../src/engine/thread-tasks.ts';
import { createRng } from '../../src/lib/rng.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { adaptedParameters } from '../../src/model/load.ts';
import { readFolderGraph } from '../../src/model/model-graph.ts';
import type { CampaignValues } from '../../src/online/encode.ts';
import { openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';

export interface ScoringRig {
  readonly users: number;
  /** Queues `campaigns` campaigns, which differ in their adapted parameters, and waits for all their rankings. */
  score(campaigns: number): Promise<void>;
  close(): Promise<void>;
}

export interface ScoringRigOptions {
  readonly model: string;
  readonly population: string;
  readonly features: CampaignValues;
  readonly threads: number;
  /** The folder of the rankings. */
  readonly out: string;
}

export async function openScoringRig({ features, threads, out, ...paths }: ScoringRigOptions): Promise<ScoringRig> {
  const pool = await ThreadPool.open(threads, { ...paths, device: 'cpu' });
  const population = openPopulation(paths.population, { trusted: true });
  const blobs = new FileBlobs(out);
  const parameters = sharedParameters(paths.model);
  // the first campaign has the general model's parameters; the others' differ slightly
  const byCampaign: (readonly SharedTensor[])[] = [parameters];
  let rankings = 0;
  const scoreOne = async (campaign: number) => {
    const scores = new Float32Array(population.directory.size).fill(Number.NaN);
    byCampaign[campaign] ??= moved(parameters, campaign);
    await Promise.all(
      Array.from({ length: population.segmentCount }, async (_, segment) => {
        const result = await pool.score(
          {
            ...{ kind: 'score', populationVersion: population.version, segment, features, externalId: null },
            ...{ modelKey: `campaign ${campaign}`, parameters: byCampaign[campaign]! },
          },
          {},
        );
        for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
      }),
    );
    rankings += 1;
    writeRanking(blobs, `ranking-${rankings}`, scores);
    blobs.delete(`ranking-${rankings}`);
  };
  return {
    users: population.rowCount,
    score: async (campaigns) => {
      await Promise.all(Array.from({ length: campaigns }, (_, campaign) => scoreOne(campaign)));
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
