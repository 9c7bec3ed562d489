/** A thread that makes one customised model's manifest, and its ONNX file where that is wanted, and ends. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, assert } from '../lib/errors.ts';
import { describeError } from '../lib/thread-error.ts';
import { CUSTOMISED_FILE, customisedOnnx, readCustomised } from '../model/customised.ts';
import { readModelFolder } from '../model/folder.ts';
import { type CustomisedManifest, customisedManifest } from '../online/customised-manifest.ts';
import type { RunMessage } from './thread-runs.ts';

/** Whose model is wanted. */
export interface ExportTask {
  readonly campaignId: string;
  /** Of the audience. */
  readonly version: number;
  /** The ranking folder of that audience version. */
  readonly folder: string;
}

/** What the thread is started with. */
export interface ExportThreadData extends ExportTask {
  /** Folder of the general model. */
  readonly model: string;
  /** The version of it that is served. */
  readonly modelVersion: string;
  readonly wantsOnnx: boolean;
}

export interface ExportResult {
  readonly manifest: CustomisedManifest;
  readonly onnx: Uint8Array | null;
}

type ExportMessage = RunMessage<ExportResult>;

function make(data: ExportThreadData): ExportMessage {
  const customised = readCustomised(join(data.folder, CUSTOMISED_FILE));
  checkVersion(customised.modelVersion, data.modelVersion, `${data.modelVersion} is served`);
  const general = readModelFolder(data.model);
  checkVersion(customised.modelVersion, general.manifest.version, `its folder holds ${general.manifest.version}`);
  const manifest = customisedManifest(general, customised, data);
  const onnx = data.wantsOnnx ? customisedOnnx(general, customised.changes, manifest) : null;
  return { kind: 'result', manifest, onnx };
}

function checkVersion(pinned: string, present: string, but: string): void {
  if (pinned === present) return;
  throw new AppError('model_unavailable', `the audience was made with model ${pinned}, and ${but} now`, {
    facts: { model_version: pinned, served_model_version: present },
  });
}

const port = parentPort;
assert(port, 'export-thread.ts is a worker thread');
try {
  const message = make(workerData as ExportThreadData);
  const onnx = message.kind === 'result' ? message.onnx : null;
  port.postMessage(message, onnx === null ? [] : [onnx.buffer as ArrayBuffer]);
} catch (error) {
  port.postMessage({ kind: 'error', error: describeError(error) } satisfies ExportMessage);
}
