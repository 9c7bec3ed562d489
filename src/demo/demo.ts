/** The demo: expands a campaign within a minute, using synthetic people or a data set. */

import type { Device } from '../../packages/onnx-grad/index.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { bar, type Output } from '../lib/output.ts';
import { createRng } from '../lib/rng.ts';
import { grouped } from '../lib/text/counted.ts';
import { randomBaseline, scorerOf } from '../training/baselines/baselines.ts';
import { logisticRegression } from '../training/baselines/logistic-baselines.ts';
import { chooseSetting } from '../training/choices/tuning.ts';
import { openFutures } from '../training/history/futures.ts';
import type { AudienceMember, CampaignAnswer } from './api-client.ts';
import { compareHits, type Method, measure, rank, readTruth, type Truth } from './comparison.ts';
import { DEMO_MODEL, importMaterial, type Material, makeSyntheticData, SYNTHETIC } from './material.ts';
import {
  curlCommands,
  describeFeatures,
  describeTimings,
  formatFactor,
  indented,
  tableOfFound,
  tableOfMembers,
  verdict,
} from './report.ts';
import { type Scope, withScope } from './scope.ts';
import { type StartDependencies, startCluster, startService, type Target } from './start.ts';
import { TRAINING_BUDGET_MS, trainModel } from './train-model.ts';
import { readTraits } from './traits.ts';

export interface DemoOptions {
  /** The command that starts the demo again, such as `npx metaheac demo`. */
  readonly command: string;
  /** Whether the service keeps running after the report. */
  readonly keep?: boolean;
  /** Whether to start a cluster on this machine and kill one of its engines while it works. */
  readonly cluster?: boolean;
  /** The folder of a data set to use instead of the synthetic data set. */
  readonly data?: string;
  /** The folder of a model that was trained on `data`. Without this folder, the demo trains a model first. */
  readonly model?: string;
}

/** The demo's dependencies. */
export interface DemoDependencies extends StartDependencies {
  readonly output: Output;
  /** Returns the number of training threads for a device. */
  trainingThreads(device: Device): number;
}

/**
 * The requested audience, as a percentage of the population, and the audience sizes at which the ranking is measured.
 */
const AUDIENCE_PERCENT = 10;
const MEASURED_PERCENTS = [1, 2, 5, 10];
/** The audience size at which the report names the better method. */
const VERDICT_PERCENT = 5;
const FIRST_MEMBERS = 10;
/**
 * Traits of synthetic people to print, few enough to fit on one line. For a data set given with `data`, its first four
 * features are printed instead.
 */
const SYNTHETIC_TRAITS = ['age_band', 'occupation', 'country', 'interests'];
/** Key of the baselines' random numbers. */
const BASELINE_KEY = 'demo/baselines';

/** Runs the demo until the report is printed or, with `keep`, until Ctrl-C. The demo never leaves files behind. */
export async function runDemo(options: DemoOptions, dependencies: DemoDependencies): Promise<void> {
  if (options.model !== undefined && options.data === undefined)
    throw new AppError('invalid_argument', '--model needs --data, because the synthetic people have their own model');
  await withScope((scope) => new Demo(options, dependencies, scope).run());
}

class Demo {
  readonly #options: DemoOptions;
  readonly #dependencies: DemoDependencies;
  readonly #output: Output;
  readonly #scope: Scope;
  readonly #clock: Clock;
  readonly #start: number;

  constructor(options: DemoOptions, dependencies: DemoDependencies, scope: Scope) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#output = dependencies.output;
    this.#scope = scope;
    this.#clock = dependencies.clock;
    this.#start = this.#clock.elapsed();
  }

  async run(): Promise<void> {
    const folder = this.#scope.temporaryFolder('demo');
    const { data, model } = await this.#prepare(folder);
    this.#say('importing the people as a population');
    const material = await importMaterial(data, model, `${folder}/population`, (users) =>
      this.#output.progress(`  ${grouped(users)} users`),
    );
    this.#say(this.#options.cluster ? 'starting a cluster' : 'starting the service');
    const starting = { ...this.#dependencies, defer: this.#scope.defer, say: (line: string) => this.#say(line) };
    const target = await (this.#options.cluster ? startCluster : startService)(folder, model, starting);
    const { campaign, members } = await this.#expand(target, material);
    this.#printAudience(material, members);
    this.#printComparison(material, members);
    this.#print('', `Done in ${this.#seconds()} s.`);
    await this.#goOn(target.client.url, campaign, material, members);
  }

  /** Prepares the data set and a model for it. */
  async #prepare(folder: string): Promise<{ data: string; model: string }> {
    const { data, model } = this.#options;
    if (data !== undefined) {
      this.#print(`metaheac demo: one test campaign of ${data}, and its look-alikes`, '');
      const { clock, output, trainingThreads } = this.#dependencies;
      const training = { budgetMs: TRAINING_BUDGET_MS, clock, output, threadsOn: trainingThreads };
      return { data, model: model ?? (await trainModel(data, folder, training)) };
    }
    this.#print(
      'metaheac demo: one campaign and its look-alikes, on synthetic people (no person or brand is real)',
      '',
    );
    this.#say(
      `making ${grouped(SYNTHETIC.users)} people with readable traits and known tastes, seed ${SYNTHETIC.seed}`,
    );
    await makeSyntheticData(`${folder}/data`);
    return { data: `${folder}/data`, model: DEMO_MODEL };
  }

  async #expand(
    { client, reader, onAccepted }: Target,
    { dataSet, population, campaign }: Material,
  ): Promise<{ campaign: CampaignAnswer; members: AudienceMember[] }> {
    const accepted = await client.createCampaign({
      name: `demo: ${campaign.id}`,
      features: campaign.features,
      seeds: Array.from(campaign.seeds, (seed) => population.directory.id(seed)),
      audience: { percent: AUDIENCE_PERCENT },
    });
    onAccepted(accepted.id);
    this.#say(
      `POST /v1/campaigns: ${grouped(accepted.seeds.known)} seeds, audience of ${AUDIENCE_PERCENT} % of ` +
        `${grouped(population.rowCount)}`,
    );
    const ready = await reader.waitUntilReady(accepted.id, ({ progress, state }) =>
      this.#output.progress(`  ${bar(progress)} ${state}`),
    );
    const { members, sha256 } = await reader.readAudience(accepted.id);
    this.#say(`${describeTimings(ready.timings)}; ${grouped(members.length)} users ranked`);
    this.#print('', `sha256 of the audience: ${sha256}`);
    const hidden = campaign.evaluation.labels.reduce((sum, label) => sum + label, 0);
    this.#print(
      '',
      `Campaign ${campaign.id} of ${dataSet.name} (a test campaign, ` +
        `${this.#options.data === undefined ? 'synthetic like the people' : 'held out of training'})`,
      ...indented([
        describeFeatures(campaign.features),
        `${grouped(campaign.seeds.length)} people who like it are the seeds; ${grouped(hidden)} more ` +
          'like it, unknown to the service',
      ]),
    );
    const heldOut = ready.quality?.held_out;
    if (heldOut)
      this.#print(
        `  quality report of the service, from ${heldOut.held_out_seeds} held-out seeds: AUC ${heldOut.auc.toFixed(3)}`,
      );
    const prediction = ready.quality?.prediction;
    const lift = prediction?.lift[String(AUDIENCE_PERCENT / 100)];
    if (prediction && lift)
      this.#print(
        `  predicted from the seeds alone: ${prediction.verdict}, lift at ${AUDIENCE_PERCENT} % ` +
          `${formatFactor(lift.mean)} (90 % interval ${formatFactor(lift.low)} to ${formatFactor(lift.high)})`,
      );
    return { campaign: ready, members };
  }

  #printAudience({ population, campaign }: Material, members: readonly AudienceMember[]): void {
    const first = members.slice(0, FIRST_MEMBERS);
    const users = Int32Array.from(first, ({ user_id }) => population.directory.find(user_id));
    const truth = truthOf(population.directory.size, campaign);
    const features =
      this.#options.data === undefined ? SYNTHETIC_TRAITS : population.features.slice(0, 4).map(({ name }) => name);
    const likes = Array.from(users, (user) => (truth[user] === 1 ? 'yes' : truth[user] === 0 ? 'no' : '-'));
    this.#print(
      '',
      'The top of the audience ("likes it": known to the data set, but not to the service)',
      ...tableOfMembers(first, likes, features, readTraits(population, users, features)),
    );
  }

  /**
   * Compares recall and lift at several audience sizes with those of logistic regression and of a random order. All
   * methods use the same seeds, candidates and features.
   */
  #printComparison({ dataSet, population, history, campaign }: Material, members: readonly AudienceMember[]): void {
    this.#output.progress('  fitting logistic regression for comparison');
    const futures = openFutures({ population, history }, dataSet.userFeatures);
    const rng = createRng(BASELINE_KEY);
    const { setting } = chooseSetting(logisticRegression, futures, rng.fork('strength'));
    const seeds = new Set(campaign.seeds);
    const candidates = futures.oneHot.users.filter((user) => !seeds.has(user));
    const methods: Method[] = [
      { name: 'MetaHeac', ranking: Int32Array.from(members, ({ user_id }) => population.directory.find(user_id)) },
      ...[logisticRegression(futures.oneHot), randomBaseline()].map((method) => ({
        name: method.name.replaceAll('_', ' '),
        ranking: rank(candidates, scorerOf(method, setting, campaign.seeds, rng.fork(method.name))(candidates)),
      })),
    ];
    const truth = truthOf(population.directory.size, campaign);
    const sizeOf = (percent: number) => Math.min(Math.ceil((percent * population.rowCount) / 100), members.length);
    const sizes = [...new Set(MEASURED_PERCENTS.map(sizeOf))];
    const found = methods.map((method) => ({ name: method.name, found: measure(method, truth, sizes) }));
    const size = sizeOf(VERDICT_PERCENT);
    this.#print(
      '',
      'Share of the people who like it found at the top of each ranking (x: lift over random)',
      ...tableOfFound(found, population.rowCount),
      ...indented([verdict(size, compareHits(methods[0]!, methods[1]!, truth, size))]),
      ...indented([
        'Logistic regression uses the same seeds and traits, with the regularisation strength that was best on ' +
          'train campaigns.',
      ]),
      ...indented(['This is one campaign; `metaheac evaluate` measures many, with intervals.']),
    );
  }

  async #goOn(
    url: string,
    { id }: CampaignAnswer,
    { population, campaign }: Material,
    members: readonly AudienceMember[],
  ): Promise<void> {
    if (!this.#options.keep) {
      const { command } = this.#options;
      this.#print(
        ...indented([
          `${command} --keep        leaves the service running and prints curl commands`,
          `${command} --cluster     does the same in a cluster, and kills an engine`,
          `${command} --data DIR    uses your own data set (docs/data-set.md)`,
        ]),
      );
      return;
    }
    const seeds = Array.from(campaign.seeds, (seed) => population.directory.id(seed));
    this.#print(
      `The service keeps running at ${url} (documentation: ${url}/docs).`,
      '',
      `Look at this audience in a browser: ${url}/console/#/audiences/${id}`,
      '',
      'Paste into another terminal:',
      '',
      ...curlCommands(url, id, { features: campaign.features, seeds }, members[0]!.user_id),
      '',
      'Ctrl-C ends the service and removes its files.',
    );
    await this.#scope.untilInterrupted();
  }

  #print(...lines: readonly string[]): void {
    for (const line of lines) this.#output.result(line);
  }

  /** Prints the current step with the seconds since the start. */
  #say(line: string): void {
    this.#output.result(`[${this.#seconds().padStart(5)} s] ${line}`);
  }

  #seconds(): string {
    return ((this.#clock.elapsed() - this.#start) / 1000).toFixed(1);
  }
}

function truthOf(directorySize: number, { evaluation }: Material['campaign']): Truth {
  return readTruth(evaluation.users, evaluation.labels, directorySize);
}
