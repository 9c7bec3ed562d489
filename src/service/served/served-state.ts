/** Holds what a service serves. The value is immutable and replaced whole; nothing else keeps a version. */
import { resolve } from 'node:path';
import type { EngineServed } from '../../engine/messages.ts';
import type { ModelFolder } from '../../model/folder.ts';
import { type Population, succeed } from '../../population/read.ts';
import type { Served, ServedModel } from '../ports/served.ts';
import { campaignFeaturesOf, describeModel } from './model-facts.ts';

export interface ServedNow extends Served {
  readonly model: ServedModel & {
    /** Of a model that was activated while the service runs, only what needs no ONNX Runtime. */
    readonly folder: ModelFolder;
  };
}

type Listener = (now: ServedNow, before: ServedNow) => void;

export class ServedState {
  #now: ServedNow;
  readonly #listeners: Listener[] = [];
  /** The tail of the mutex's queue; it never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  /** Where they do not fit each other, the engine refuses to start. */
  constructor(model: ModelFolder, population: Population) {
    this.#now = { epoch: 1, model: servedModelOf(model), population };
  }

  get now(): ServedNow {
    return this.#now;
  }

  /** The same, as the engine is told of it. */
  get forEngine(): EngineServed {
    const { epoch, model, population } = this.#now;
    const { version, folder } = model;
    return { epoch, model: { version, folder: resolve(folder.path) }, populationVersion: population.version };
  }

  /** Runs `action` as the only one: what it reads of `now` holds until it replaces it. */
  exclusively<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Serves another model or another version of the population, which the caller has bound to each other. */
  replace({ model, population }: { readonly model?: ModelFolder; readonly population?: Population }): void {
    const before = this.#now;
    this.#now = {
      epoch: before.epoch + 1,
      model: model ? servedModelOf(model) : before.model,
      population: population ? succeed(population, before.population) : before.population,
    };
    for (const listener of this.#listeners) listener(this.#now, before);
  }

  /** Calls `listener` after each replacement; listeners are called in the order in which they came. */
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
