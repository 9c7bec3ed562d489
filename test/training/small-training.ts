/** Trainings on a small data set that a test compares byte by byte. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { PreparedDataSet } from '../../src/training/history/prepared-data-set.ts';
import type { TrainSettings } from '../../src/training/settings.ts';
import { type TrainProgress, type TrainResult, train } from '../../src/training/train.ts';

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

export async function trainSmall(
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
