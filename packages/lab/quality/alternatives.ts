/**
 * Measures alternatives to the default stack on the test campaigns: a trained model is evaluated with the unfitted
 * default stack, and then with one change to this stack at a time.
 */
import type { ClosedForm } from '../../../src/model/blend.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { bind } from '../../../src/online/binding.ts';
import { openOnlineProgram } from '../../../src/online/online-context.ts';
import { openBoundRegression } from '../../../src/online/regression/bound-regression.ts';
import { HEADS_BEFORE, libraryOf, stackBefore, withStack } from '../../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import { startHeadTrials } from '../../../src/training/choices/head-trials.ts';
import { CPU } from '../../onnx-grad/index.ts';
import { REFERENCE_SETTINGS } from './ablations.ts';
import { type BenchRun, SEED, trainedModel } from './bench-run.ts';
import type { Alternative } from './leave-one-out.ts';

type Change = (from: DescentSettings) => DescentSettings;

const rates =
  (factor: number): Change =>
  (from) => ({
    ...from,
    rates: Object.fromEntries(Object.entries(from.rates).map(([name, rate]) => [name, rate * factor])),
  });
/** Returns a stack of all library parts of the given kinds. The parts share the weight that the heads do not get. */
const stack =
  (heads: number, kinds: readonly ClosedForm['kind'][] = ['logistic', 'regression']): Change =>
  (from) => {
    const forms = libraryOf(from).filter(({ kind }) => kinds.includes(kind));
    return withStack(from, forms, stackBefore(forms, heads));
  };

/** The stack that every fit starts from. */
const DEFAULT = stack(HEADS_BEFORE)(DEFAULT_DESCENT);

/** The alternatives. The first one is the default. */
const CHANGES: Readonly<Record<string, Change>> = {
  default: (from) => from,
  'rates x 0.5': rates(0.5),
  'rates x 2': rates(2),
  'rates x 4': rates(4),
  '10 steps at 50 seeds': (from) => ({ ...from, steps: { ...from.steps, at_50_seeds: 10 } }),
  '40 steps at 50 seeds': (from) => ({ ...from, steps: { ...from.steps, at_50_seeds: 40 } }),
  'no cut': (from) => ({ ...from, first_pass: null }),
  'cut .1': (from) => ({ ...from, first_pass: { steps: 10, cut: 0.1 } }),
  'no heads': stack(0),
  'heads .25': stack(0.25),
  'heads .75': stack(0.75),
  'heads alone': stack(1),
  'no logistic regressions': stack(HEADS_BEFORE, ['regression']),
  'no whole-population regressions': stack(HEADS_BEFORE, ['logistic']),
};

/**
 * Prepares each campaign's users once for all alternatives. All alternatives use the same random draws, so that any two
 * alternatives can be compared campaign by campaign.
 */
export async function runAlternatives(run: BenchRun): Promise<readonly Alternative[]> {
  const { prepared, trials } = run;
  const { population } = prepared;
  // a default model served without heads has no experts, but the reference always has experts
  const trained = (await trainedModel(run, 'reference', REFERENCE_SETTINGS)).model;
  const model = { ...trained, manifest: { ...trained.manifest, adaptation: DEFAULT } };
  const binding = bind(model.folder, population);
  const program = await openOnlineProgram(model, { device: CPU });
  const regression = await openBoundRegression({ model, population, binding }, { device: CPU });
  const out = Object.keys(CHANGES).map((name) => ({ name, auc: [] as number[], precision: [] as number[] }));
  try {
    if (program.kind !== 'gradient_descent') return out;
    for (const trial of trials) {
      const context = { model, population, binding, program, regression };
      const started = await startHeadTrials(context, program.steps, [trial], `bench/${SEED}/${trial.id}`);
      for (const [i, change] of Object.values(CHANGES).entries()) {
        const [quality] = await started.evaluate(change(DEFAULT));
        out[i]!.auc.push(quality!.auc);
        out[i]!.precision.push(quality!.top[0]!.precision);
      }
    }
  } finally {
    await program.steps.close();
    await regression?.close();
  }
  return out;
}
