/**
 * Holds the served model and population. The value is immutable and replaced as a whole; no other object holds a
 * version of the model or the population.
 */
import { resolve } from 'node:path';
import type { EngineServed } from '../../engine/messages.ts';
import { formsOf, hasOwnLogits } from '../../model/blend.ts';
import type { ModelFolder } from '../../model/folder.ts';
import { featureOf, type Manifest } from '../../model/manifest.ts';
import type { Vocabulary } from '../../model/vocabulary.ts';
import { type Population, succeed } from '../../population/read.ts';
import type { CampaignFeature, ModelFacts, Served, ServedModel, ValueList } from '../ports/served.ts';

export interface ServedNow extends Served {
  readonly model: ServedModel & {
    /** The served model. After a switch at run time, this is only the part of the model that needs no ONNX Runtime. */
    readonly folder: ModelFolder;
  };
}

type Listener = (now: ServedNow, before: ServedNow) => void;

export class ServedState {
  #now: ServedNow;
  readonly #listeners: Listener[] = [];
  /** Tail of the mutex's queue, a promise that never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Makes the first served value. If the model and the population do not fit each other, the engine refuses to start.
   */
  constructor(model: ModelFolder, population: Population) {
    this.#now = { epoch: 1, model: servedModelOf(model), population };
  }

  get now(): ServedNow {
    return this.#now;
  }

  /** The served versions as sent to the engine. */
  get forEngine(): EngineServed {
    const { epoch, model, population } = this.#now;
    const { version, folder } = model;
    return { epoch, model: { version, folder: resolve(folder.path) }, populationVersion: population.version };
  }

  /** Runs `action` exclusively: the value of `now` that the action reads stays valid until the action replaces it. */
  exclusively<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Serves another model or population version. The caller has bound the model to the population. */
  replace({ model, population }: { readonly model?: ModelFolder; readonly population?: Population }): void {
    const before = this.#now;
    this.#now = {
      epoch: before.epoch + 1,
      model: model ? servedModelOf(model) : before.model,
      population: population ? succeed(population, before.population) : before.population,
    };
    for (const listener of this.#listeners) listener(this.#now, before);
  }

  /** Calls `listener` after each replacement, in the order of registration. */
  onReplaced(listener: Listener): void {
    this.#listeners.push(listener);
  }
}

function servedModelOf(folder: ModelFolder): ServedNow['model'] {
  const { manifest } = folder;
  return {
    version: manifest.version,
    facts: describeModel(manifest),
    campaignFeatures: campaignFeaturesOf(folder),
    folder,
  };
}

/** Facts about a model for users of the API. */
export function describeModel({ name, created, adaptation, evaluation }: Manifest): ModelFacts {
  return {
    name,
    createdAt: created,
    adaptation: {
      optimiser: adaptation.optimiser,
      negatives_per_seed: adaptation.negatives_per_seed,
      summary: summaryOf(adaptation),
    },
    evaluation,
  };
}

/** Tokens of a vocabulary by id. */
export function valuesOf({ size, tokens }: Vocabulary): ValueList {
  return { size, token: (code) => tokens[code - 1]! };
}

function summaryOf(adaptation: Manifest['adaptation']): string {
  if (adaptation.optimiser === 'adam') {
    const { epochs, rate, batch, early_stopping } = adaptation;
    const upTo = early_stopping === null ? '' : 'up to ';
    return `Adam at rate ${rate}, ${upTo}${epochs} epochs with batches of ${batch}`;
  }
  const { rates, steps, first_pass } = adaptation;
  const kinds = new Set(formsOf(adaptation).map(({ kind }) => kind));
  const parameters = Object.keys(rates);
  const passes = first_pass === null ? '' : `, after a first pass of ${first_pass.steps} to find likely members`;
  const parts = [
    ...(kinds.has('logistic') ? ['logistic regression on the seeds'] : []),
    ...(kinds.has('regression') ? ['regression on the whole population'] : []),
  ];
  if (!hasOwnLogits(adaptation)) return `${parts.join(' and ')} alone, without gradient descent`;
  const fitted = parts.length === 0 ? '' : `; ${parts.join(' and ')} ${parts.length > 1 ? 'are' : 'is'} added`;
  return (
    `gradient descent on ${parameters.join(', ')}, ${steps.at_50_seeds} steps at 50 seeds (at most ` +
    `${steps.maximum})${passes}${fitted}`
  );
}

/** Empty list of values, for numeric features. */
const NO_VALUES: ValueList = { size: 1, token: () => '' };

/** Campaign features that a model reads. */
function campaignFeaturesOf({ manifest, vocabularies }: ModelFolder): CampaignFeature[] {
  return manifest.features.campaign.map((feature) => {
    const vocabulary = vocabularies.get(`campaign.${feature.name}`);
    return {
      ...featureOf(feature),
      isKnown: (value) => vocabulary !== undefined && vocabulary.find(value) !== 0,
      values: vocabulary ? valuesOf(vocabulary) : NO_VALUES,
    };
  });
}
