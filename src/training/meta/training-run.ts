/**
 * The state of a training run: its phase, its optimiser, the best model so far, and the checkpoint that stores all
 * three.
 */
import { createHash } from 'node:crypto';
import { Adam, type Parameters, type Tensor } from '../../../packages/onnx-grad/index.ts';
import type { AdaptationSettings, DescentSettings, Drift } from '../../model/manifest.ts';
import type { Choice } from '../choices/choose-adaptation.ts';
import { libraryOf, settingsBefore } from '../choices/choose-blend.ts';
import type { Summary } from '../evaluation/summary.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import type { TrainSettings } from '../settings.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';

/**
 * In the phase `choosing`, training uses some of the campaigns and validates on the rest. In the phase `final`,
 * training uses all campaigns, for the best number of passes. If nothing is held out, there is only `final`.
 */
export type Phase = 'choosing' | 'final';

export interface Best {
  readonly step: number;
  /** Validation AUC; null if nothing could be held out. */
  readonly auc: number | null;
  readonly summary: Summary | null;
}

/** The state in a checkpoint besides its tensors. */
interface Notes {
  readonly phase: Phase;
  readonly best: Best | null;
  readonly choice: Choice | null;
  readonly start: Choice | null;
  readonly drift: Drift | null;
}

export interface TrainingRunOptions {
  /** The file of the checkpoint. */
  readonly path: string;
  /** The identity that a checkpoint must have so that training can resume from it. */
  readonly identity: string;
  readonly resume: boolean;
  /** The phase in which a new training run starts. */
  readonly phase: Phase;
}

/** Opens the optimiser at the checkpoint if training resumes and there is one, otherwise at `initial`. */
export function openTrainingRun(initial: Parameters, options: TrainingRunOptions): TrainingRun {
  const { path, identity, resume } = options;
  const saved = resume ? readCheckpoint(path, identity) : null;
  const notes = (saved?.notes as Notes | undefined) ?? null;
  const state = saved ? { steps: saved.step, tensors: withPrefix(saved.tensors, 'now/') } : undefined;
  const optimiser = new Adam(initial, state ? { state } : {});
  const best = saved ? withPrefix(saved.tensors, 'best/') : copyOf(optimiser.parameters);
  return new TrainingRun(options, notes, optimiser, best);
}

export class TrainingRun {
  readonly isResumed: boolean;
  phase: Phase;
  best: Best | null;
  /** How the heads are adapted. `start` is chosen before training, and `choice` later, on held-out campaigns. */
  choice: Choice | null;
  start: Choice | null;
  /** The drift measured on held-out campaigns. */
  drift: Drift | null;
  /** Number of steps of the first phase. */
  choosingSteps: number;
  bestParameters: Parameters;
  readonly #options: TrainingRunOptions;
  #optimiser: Adam;
  #savedAt: { readonly phase: Phase; readonly steps: number };

  constructor(options: TrainingRunOptions, notes: Notes | null, optimiser: Adam, bestParameters: Parameters) {
    this.isResumed = notes !== null;
    this.phase = notes?.phase ?? options.phase;
    this.best = notes?.best ?? null;
    this.choice = notes?.choice ?? null;
    this.start = notes?.start ?? null;
    this.drift = notes?.drift ?? null;
    this.choosingSteps = notes?.phase === 'final' ? (this.best?.step ?? 0) : optimiser.steps;
    this.bestParameters = bestParameters;
    this.#options = options;
    this.#optimiser = optimiser;
    this.#savedAt = { phase: this.phase, steps: optimiser.steps };
  }

  get optimiser(): Adam {
    return this.#optimiser;
  }

  /** The latest choice of how the heads are adapted; null before the first choice. */
  get adaptation(): DescentSettings | null {
    return this.choice?.settings ?? (this.start && settingsBefore(this.start));
  }

  /** Records the current parameters as the best parameters. */
  keepParameters(): void {
    this.bestParameters = copyOf(this.#optimiser.parameters);
  }

  /** Starts the final phase. */
  startFinal(from: Parameters): void {
    this.phase = 'final';
    this.#optimiser = new Adam(from);
    this.save();
  }

  save(): void {
    const { phase, best, choice, start, drift } = this;
    const { steps } = this.#optimiser;
    const now = prefixed(this.#optimiser.state().tensors, 'now/');
    writeCheckpoint(this.#options.path, {
      identity: this.#options.identity,
      step: steps,
      notes: { phase, best, choice, start, drift } satisfies Notes,
      tensors: new Map([...now, ...prefixed(this.bestParameters, 'best/')]),
    });
    this.#savedAt = { phase, steps };
  }

  /** Writes a checkpoint, unless the last checkpoint already has the current state. */
  saveRest(): void {
    if (this.#savedAt.phase !== this.phase || this.#optimiser.steps > this.#savedAt.steps) this.save();
  }
}

function copyOf(parameters: Parameters): Parameters {
  return new Map(
    [...parameters].map(([name, value]): [string, Tensor] => [
      name,
      { ...value, data: (value.data as Float32Array).slice() },
    ]),
  );
}

function prefixed(parameters: Parameters, prefix: string): [string, Tensor][] {
  return [...parameters].map(([name, value]) => [prefix + name, value]);
}

function withPrefix(tensors: ReadonlyMap<string, Tensor>, prefix: string): Parameters {
  return new Map(
    [...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/**
 * A digest of the data, the settings except the number of steps, and the closed forms of the stack before training. (A
 * checkpoint stores the weights of these forms by position.)
 */
export function trainingIdentity(
  { population, history, dataSet, userFeatures }: PreparedDataSet,
  { steps, ...settings }: TrainSettings,
  adaptation: AdaptationSettings,
): string {
  const { name, campaignFeatures } = dataSet;
  const hash = createHash('sha256');
  const features = userFeatures.map(({ kept, ...rest }) => (kept ? { ...rest, kept: kept.codes.length } : rest));
  const library = adaptation.optimiser === 'gradient_descent' ? libraryOf(adaptation) : [];
  const facts = JSON.stringify([name, features, campaignFeatures, population.version, settings, library]);
  // keep the wording of earlier versions, so that their checkpoints stay valid
  hash.update(facts.replaceAll('"kind":"logistic"', '"kind":"companion"'));
  for (const { id, split, features, train } of history.campaigns) {
    if (split !== 'train') continue;
    hash.update(JSON.stringify([id, features]));
    hash.update(train.users).update(train.labels);
  }
  return hash.digest('hex');
}
