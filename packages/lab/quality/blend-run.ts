/**
 * Measures variants of the blend choice on one data set. A model that was not trained on the held-out campaigns
 * computes the logits of all parts once, and each variant chooses a blend from these logits.
 */

import { assert } from '../../../src/lib/errors.ts';
import { LATENT_TABLE } from '../../../src/model/architectures/heads.ts';
import { formsOf } from '../../../src/model/blend.ts';
import type { CampaignPrior } from '../../../src/model/campaign-prior.ts';
import type { GeneralModel } from '../../../src/model/load.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { bind } from '../../../src/online/binding.ts';
import { openOnlineProgram } from '../../../src/online/online-context.ts';
import { openBoundRegression } from '../../../src/online/regression/bound-regression.ts';
import { PAST_CAMPAIGNS, readPastCampaigns } from '../../../src/population/read.ts';
import { defaultTrainingThreads } from '../../../src/service/settings/environment.ts';
import { priorsBefore, regressCampaigns, withPriors } from '../../../src/training/choices/campaign-weights.ts';
import { LEAST_CAMPAIGNS, type Outcome } from '../../../src/training/choices/evidence.ts';
import { startHeadTrials } from '../../../src/training/choices/head-trials.ts';
import type { CampaignTrials } from '../../../src/training/choices/trial.ts';
import { meanOutcome } from '../../../src/training/choices/tuning.ts';
import { holdOut } from '../../../src/training/history/held-out.ts';
import { hasPastCampaigns } from '../../../src/training/history/prepared-data-set.ts';
import { recurrenceOf } from '../../../src/training/history/recurrence.ts';
import { createInitialModel } from '../../../src/training/meta/initial-model.ts';
import { type Learners, openLearners } from '../../../src/training/meta/learners.ts';
import { choiceTrials, chooseAtStart, sampleValidation, startTrials } from '../../../src/training/meta/validation.ts';
import { CPU } from '../../onnx-grad/index.ts';
import { REFERENCE_SETTINGS } from './ablations.ts';
import { type BenchRun, SEED, trainedModel } from './bench-run.ts';
import {
  type ChosenBlend,
  chooseVariant,
  type Evidence,
  formsOfVariants,
  measureBlend,
  VARIANTS,
} from './blend-variants.ts';
import { tuneOnFixedGrids } from './fixed-grids.ts';

/** The quality of each variant's blend on the test campaigns. */
export interface BlendResult {
  readonly repeats: number;
  /** The group of each test campaign. */
  readonly groups: readonly ('small' | 'large' | null)[];
  /** Whether members of one campaign recur in later campaigns. If so, trials use shares that are measured on folds. */
  readonly recurs: boolean;
  readonly variants: readonly {
    readonly name: string;
    /** The AUC on each campaign, averaged over repeats. */
    readonly auc: readonly number[];
    readonly precision: readonly number[];
  }[];
}

export function runBlend(run: BenchRun): Promise<BlendResult> {
  return runVariants(run, 'reference');
}

/**
 * Like `runBlend`, but first truncates each user's list of past campaigns to a length that is enough for 95 % of the
 * users. Returns null for a data set without such lists.
 */
export async function runBlendOnCutLists(run: BenchRun): Promise<BlendResult | null> {
  const { prepared } = run;
  if (!hasPastCampaigns(prepared)) return null;
  const lists = await readPastCampaigns(prepared.dataSet);
  const maxLength = coveringLength(Int32Array.from(lists.values(), (list) => list.length));
  const userFeatures = prepared.userFeatures.map((feature) =>
    feature.name === PAST_CAMPAIGNS ? { ...feature, maxLength } : feature,
  );
  return runVariants({ ...run, prepared: { ...prepared, userFeatures } }, 'cut-lists');
}

const COVERED = 0.95;

function coveringLength(lengths: Int32Array): number {
  return Math.max(lengths.slice().sort()[Math.floor(COVERED * (lengths.length - 1))] ?? 1, 1);
}

async function runVariants(run: BenchRun, model: string): Promise<BlendResult> {
  const { model: trained } = await trainedModel(run, model, REFERENCE_SETTINGS);
  const evidence = await gatherEvidence(run, trained);
  const blends: ChosenBlend[] = [];
  for (const variant of VARIANTS) blends.push(await chooseVariant(evidence, variant));
  const measured = await measureTests(run, trained, evidence, blends);
  const { population, history } = run.prepared;
  const train = history.campaigns.filter(({ split }) => split === 'train');
  return {
    repeats: run.options.repeats,
    groups: run.trials.map(({ group }) => group),
    recurs: recurrenceOf(train, population.rowOf.length) !== null,
    variants: VARIANTS.map(({ name }, i) => ({
      name,
      auc: measured.map((own) => own[i]!.auc),
      precision: measured.map((own) => own[i]!.precision),
    })),
  };
}

/** Evidence with priors computed from all train campaigns, as in a model trained on all train campaigns. */
interface EvidenceOfSet extends Evidence {
  readonly priors: readonly CampaignPrior[];
}

/**
 * Gathers the evidence as training does: on all train campaigns before training, and on held-out campaigns with the
 * model of the best step.
 */
async function gatherEvidence(
  { prepared, options }: BenchRun,
  { manifest, graph }: GeneralModel,
): Promise<EvidenceOfSet> {
  const settings = { ...REFERENCE_SETTINGS, steps: options.steps ?? REFERENCE_SETTINGS.steps };
  const { seed, validationShare } = settings;
  assert(manifest.adaptation.optimiser === 'gradient_descent', 'the model has no heads');
  const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
  const heldOut = holdOut(campaigns, validationShare, `train/${seed}/validation`);
  const initialModel = createInitialModel(prepared, campaigns, settings);
  const weights = await regressCampaigns(prepared, initialModel, campaigns, { seed, device: CPU });
  const priors = priorsBefore(weights);
  const adaptation = withPriors(manifest.adaptation, priors);
  const untrained = initialModel.graph.initializers;
  const threads = defaultTrainingThreads(CPU);
  const learners = await openLearners(prepared, initialModel, { settings, device: CPU, threads, weights });
  try {
    const known = { seed, adaptation };
    const start = await chooseAtStart(prepared, campaigns, learners, untrained, known);
    const choice = await sampleValidation(prepared, heldOut, known).choose(learners, graph.initializers, start);
    const chosen = withTunedParts(choice!.settings, adaptation);
    const vectors = untrained.get(LATENT_TABLE)!.data as Float32Array;
    const alone = tuneOnFixedGrids(prepared, vectors, adaptation, seed);
    const ungrown = { ...chosen, ...alone };
    const [atStart, asked] = [withTunedParts(start!.settings, adaptation), chosen].map((own) =>
      formsOfVariants(own, { ...own, ...alone }),
    );
    const ofProtocol = async (share: number | null | undefined) => {
      const begun = startTrials(campaigns, prepared.population, seed, share);
      const held = choiceTrials(heldOut, prepared.population, seed, share);
      return {
        start: begun.length < LEAST_CAMPAIGNS ? [] : await logitsOf(learners, untrained, begun, atStart!),
        held: await logitsOf(learners, graph.initializers, held, asked!),
      };
    };
    const found = await ofProtocol(undefined);
    const isSame = recurrenceOf(campaigns, prepared.population.rowOf.length) === null;
    return {
      ...{ settings: chosen, ungrown, priors },
      forms: formsOf(asked!),
      trials: { found, equal: isSame ? found : await ofProtocol(null) },
    };
  } finally {
    await learners.close();
  }
}

/** Returns the descent settings of `chosen`, with both regressions of `tuned` in place of a stack. */
function withTunedParts({ stack: _, ...chosen }: DescentSettings, tuned: DescentSettings): DescentSettings {
  return {
    ...chosen,
    ...(tuned.companion ? { companion: tuned.companion } : {}),
    ...(tuned.regression ? { regression: tuned.regression } : {}),
    ...(tuned.priors ? { priors: tuned.priors } : {}),
  };
}

function logitsOf(
  learners: Learners,
  parameters: Parameters<Learners['logits']>[0],
  campaignTrials: readonly CampaignTrials[],
  settings: DescentSettings,
) {
  return learners.logits(
    parameters,
    campaignTrials.map((campaign) => ({ ...campaign, settings: [settings] })),
  );
}

/**
 * Measures the mean quality over repeats, by test campaign and blend. The logits of a trial are dropped once the trial
 * has been measured.
 */
async function measureTests(
  { prepared: { population }, trials, options, note }: BenchRun,
  model: GeneralModel,
  { settings, ungrown, forms, priors }: EvidenceOfSet,
  blends: readonly ChosenBlend[],
): Promise<Outcome[][]> {
  const binding = bind(model.folder, population);
  const program = await openOnlineProgram(model, { device: CPU });
  const own = { ...model, priors };
  const regression = await openBoundRegression({ model: own, population, binding }, { device: CPU });
  try {
    assert(program.kind === 'gradient_descent', 'the model has no heads');
    const context = { model, population, binding, program, regression };
    const out: Outcome[][] = [];
    for (const trial of trials) {
      const measured = blends.map((): Outcome[] => []);
      for (let repeat = 0; repeat < options.repeats; repeat++) {
        const started = await startHeadTrials(context, program.steps, [trial], `bench/${SEED}/${repeat}/${trial.id}`);
        const [logits] = await started.logits(formsOfVariants(settings, ungrown));
        for (const [i, blend] of blends.entries()) measured[i]!.push(measureBlend(logits!, forms, blend));
      }
      out.push(measured.map(meanOutcome));
    }
    note(`blends of ${trials.length} test campaigns`);
    return out;
  } finally {
    await program.steps.close();
    await regression?.close();
  }
}
