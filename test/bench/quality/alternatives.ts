/**
 * The default adaptation of a trained model and changes of it, one at a time, on the test campaigns: what a default
 * could have been.
 */
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { DEFAULT_DESCENT } from '../../../src/offline/descent.ts';
import { startHeadTrials } from '../../../src/offline/head-trials.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../../src/offline/settings.ts';
import { bind } from '../../../src/online/binding.ts';
import { openBoundRegression } from '../../../src/online/bound-regression.ts';
import { openOnlineProgram } from '../../../src/online/customise.ts';
import { CPU } from '../../../src/runtime/session.ts';
import { type BenchRun, SEED, trainedModel } from './bench-run.ts';
import type { Alternative } from './leave-one-out.ts';

type Change = (from: DescentSettings) => DescentSettings;

const rates =
  (factor: number): Change =>
  (from) => ({
    ...from,
    rates: Object.fromEntries(Object.entries(from.rates).map(([name, rate]) => [name, rate * factor])),
  });
const part =
  (name: 'companion' | 'regression', values: Readonly<Record<string, number>>): Change =>
  (from) => ({ ...from, [name]: { ...from[name]!, ...values } });
const without =
  (name: 'companion' | 'regression'): Change =>
  ({ [name]: _, ...from }) =>
    from;

/** The first is the default. */
const CHANGES: Readonly<Record<string, Change>> = {
  default: (from) => from,
  'rates x 0.5': rates(0.5),
  'rates x 2': rates(2),
  'rates x 4': rates(4),
  '10 steps at 50 seeds': (from) => ({ ...from, steps: { ...from.steps, at_50_seeds: 10 } }),
  '40 steps at 50 seeds': (from) => ({ ...from, steps: { ...from.steps, at_50_seeds: 40 } }),
  'no cut': (from) => ({ ...from, first_pass: null }),
  'cut .1': (from) => ({ ...from, first_pass: { steps: 10, cut: 0.1 } }),
  'no companion': without('companion'),
  'companion of weight 0.25': part('companion', { weight: 0.25 }),
  'companion of weight 1': part('companion', { weight: 1 }),
  'companion of weight 2': part('companion', { weight: 2 }),
  'no regression': without('regression'),
  'regression of weight 0.25': part('regression', { weight: 0.25 }),
  'regression of weight 1': part('regression', { weight: 1 }),
  'regression of weight 2': part('regression', { weight: 2 }),
  'regression of power 0': part('regression', { power: 0 }),
  'regression of power 0.25': part('regression', { power: 0.25 }),
  'regression of strength 0.005': part('regression', { strength: 0.005 }),
  'regression of strength 0.05': part('regression', { strength: 0.05 }),
};

/** A campaign's users are computed once for all of them; draws are equal, so that they can be compared by pair. */
export async function runAlternatives(run: BenchRun): Promise<readonly Alternative[]> {
  const { prepared, trials } = run;
  const { population } = prepared;
  const trained = (await trainedModel(run, 'default', DEFAULT_TRAIN_SETTINGS)).model;
  const model = { ...trained, manifest: { ...trained.manifest, adaptation: DEFAULT_DESCENT } };
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
        const [quality] = await started.evaluate(change(DEFAULT_DESCENT));
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
