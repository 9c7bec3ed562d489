/**
 * Holds the served model and population. The value is immutable and replaced as a whole; no other object holds a
 * version of the model or the population.
 */
import { resolve } from 'node:path';
import type { EngineServed } from '../../engine/messages.ts';
import type { ModelFolder } from '../../model/folder.ts';
import { type Population, succeed } from '../../population/read.ts';
import type { Served, ServedModel } from '../ports/served.ts';
import { campaignFeaturesOf, describeModel } from './model-facts.ts';

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
