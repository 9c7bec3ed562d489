/** Trainings on a small data set that a test compares byte by byte. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { PreparedDataSet } from '../../src/training/history/prepared-data-set.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainProgress, type TrainResult, train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';

export interface SmallTraining {
  readonly out: string;
  readonly result: TrainResult;
  readonly progress: readonly TrainProgress[];
}

interface SmallTrainingOptions {
  readonly settings: TrainSettings;
  readonly resume?: boolean;
  /** Aborts after this number of steps, counting both phases. */
  readonly stopAfter?: number;
  readonly created?: string;
  readonly threads?: number;
}

async function trainSmall(
  prepared: PreparedDataSet,
  out: string,
  options: SmallTrainingOptions,
): Promise<SmallTraining> {
  const { settings, resume = false, stopAfter, created = '2026-11-25T12:00:00.000Z', threads = 1 } = options;
  const abort = new AbortController();
  if (stopAfter === 0) abort.abort();
  const progress: TrainProgress[] = [];
  const result = await train(prepared, {
    out,
    settings,
    device: CPU,
    clock: { now: () => Date.parse(created), elapsed: () => 0 },
    resume,
    threads,
    signal: abort.signal,
    onProgress: (at) => {
      if (progress.push(at) === stopAfter) abort.abort();
    },
  });
  return { out, result, progress };
}

type TrainOptions = Omit<SmallTrainingOptions, 'settings'> & {
  readonly prepared: PreparedDataSet;
  readonly settings: Partial<TrainSettings>;
};

/** Trains in new folders, with `defaults`. The data sets given to `open` are closed after the file's tests. */
export function useTrainings(defaults: TrainSettings) {
  const opened: PreparedDataSet[] = [];
  afterAll(() => {
    for (const one of opened) one.close();
  });
  return {
    newPath: () => join(temporaryFolder(), 'model'),
    /** The first data set is the one that `trainInto` uses by default. */
    async open(preparing: Promise<PreparedDataSet>): Promise<PreparedDataSet> {
      const prepared = await preparing;
      opened.push(prepared);
      return prepared;
    },
    trainInto: (out: string, { prepared = opened[0]!, settings, ...options }: Partial<TrainOptions> = {}) =>
      trainSmall(prepared, out, { ...options, settings: { ...defaults, ...settings } }),
  };
}

/** Contents by path, the manifest without `created`. */
export function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const text = readFileSync(path, 'latin1');
      return [path.slice(folder.length), name === 'manifest.json' ? text.replace(/"created": ".*"/, '') : text];
    }),
  );
}
