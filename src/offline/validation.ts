/** Validation: a model that is being trained adapts to simulated seed sets of held-out campaigns, as the service would. */
import { createRng } from '../lib/rng.ts';
import type { Parameters } from '../model/compaction.ts';
import type { DescentSettings } from '../model/manifest.ts';
import type { Device } from '../model/session.ts';
import { bind } from '../online/binding.ts';
import { type OnlineContext, openOnlineProgram } from '../online/customise.ts';
import { openScorer } from '../online/score.ts';
import { type Choice, chooseAdaptation, type PlayedCampaign } from './choose-adaptation.ts';
import type { Draft } from './draft.ts';
import { startHeadTrials } from './head-trials.ts';
import { type HeldOut, heldOutTrial } from './held-out.ts';
import type { RankingQuality } from './metrics.ts';
import {
  CHOICE_CAMPAIGNS,
  CHOICE_SEEDS,
  type TrainSettings,
  VALIDATION_CAMPAIGNS,
  VALIDATION_SEEDS,
} from './settings.ts';
import { type Summary, summarise } from './summary.ts';
import { runTrial, type Trial } from './trial.ts';
import type { Workspace } from './workspace.ts';

export interface Validator {
  /** How the held-out campaigns fare; a campaign's quality is the mean over its seed sets. */
  validate(parameters: Parameters): Promise<Summary>;
  /** How the heads are adapted best; null where the model has no heads to descend, or nothing was held out. */
  choose(parameters: Parameters): Promise<Choice | null>;
  close(): Promise<void>;
}

export async function openValidator(
  workspace: Workspace,
  draft: Draft,
  parameters: readonly string[],
  { training, held }: HeldOut,
  { settings, device }: { readonly settings: TrainSettings; readonly device: Device },
): Promise<Validator> {
  const { population } = workspace;
  const rng = createRng(`train/${settings.seed}/trials`);
  const trialsOf = (most: number, seedCounts: readonly number[]): Trial[][] =>
    held
      .slice(0, most)
      .map((campaign) => {
        const trials = seedCounts.map((seeds) =>
          heldOutTrial(campaign, seeds, training, population, rng.fork(`${campaign.id}/${seeds}`)),
        );
        // a small campaign has the same half of its members as seeds, whatever was asked for
        return trials.filter(
          (trial, i): trial is Trial => trial !== null && trial.seeds.length !== trials[i - 1]?.seeds.length,
        );
      })
      .filter((trials) => trials.length > 0);
  const binding = bind(draft.folder, population);
  // the epochs are not chosen here: one pass a trial, and a steadier measure
  const { adaptation } = settings;
  const steady = adaptation.optimiser === 'adam' ? { ...adaptation, early_stopping: null } : adaptation;
  const manifest = { ...draft.folder.manifest, adaptation: steady };
  const model = { folder: draft.folder, manifest, graph: draft.graph, adapted: parameters };
  const program = await openOnlineProgram(model, { device });
  const scorer = program.kind === 'adam' ? await openScorer({ ...model, binding }, { device }) : null;
  const contextOf = (current: Parameters): OnlineContext => ({
    model,
    population,
    binding,
    program,
    parameters: current,
  });
  const keyOf = (trial: Trial) => `train/${settings.seed}/validation/${trial.id}`;
  const start = (current: Parameters, trials: readonly Trial[]) =>
    program.kind === 'gradient_descent'
      ? startHeadTrials(contextOf(current), program.steps, trials, keyOf(trials[0]!))
      : null;
  const validated = trialsOf(VALIDATION_CAMPAIGNS, VALIDATION_SEEDS);
  return {
    async validate(current) {
      const qualities = [];
      for (const trials of validated) {
        const started = await start(current, trials);
        const repeats: RankingQuality[] = started ? await started.play(adaptation as DescentSettings) : [];
        if (scorer)
          for (const trial of trials)
            repeats.push(await runTrial(contextOf(current), scorer, trial, `${keyOf(trial)}/${trial.seeds.length}`));
        qualities.push({ trial: trials[0]!, repeats });
      }
      return summarise(qualities, rng.fork('bootstrap'));
    },
    async choose(current) {
      if (program.kind !== 'gradient_descent') return null;
      const campaigns: PlayedCampaign[] = [];
      for (const trials of trialsOf(CHOICE_CAMPAIGNS, CHOICE_SEEDS)) campaigns.push(await start(current, trials)!);
      return chooseAdaptation(program.settings, campaigns);
    },
    async close() {
      await program.steps.close();
      await scorer?.close();
    },
  };
}
