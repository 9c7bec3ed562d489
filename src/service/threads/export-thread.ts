/** A thread that builds the manifest of one customised model, and its ONNX file if requested. */

import type { StoreLocator } from '../../domain/ports/store.ts';
import { AppError } from '../../lib/errors.ts';
import { hostThread } from '../../lib/threads/thread-host.ts';
import { customisedOnnx } from '../../model/customised.ts';
import { readModelFolder } from '../../model/folder.ts';
import { appErrorOf } from '../../model/onnx-grad.ts';
import { findModel } from '../../model/versions.ts';
import { type CustomisedManifest, customisedManifest } from '../../online/customised-manifest.ts';
import { openStoreFiles } from '../../storage/open-store.ts';
import { readStoredModel } from './stored-model.ts';

/** The requested model. */
export interface ExportTask {
  readonly campaignId: string;
  /** The audience version. */
  readonly version: number;
  /** The blob folder of the audience version's ranking. */
  readonly folder: string;
  readonly wantsOnnx: boolean;
}

/** The data that the thread gets when it starts. */
export interface ExportThreadData {
  /** Folder of the general model. */
  readonly model: string;
  /** Its served version. */
  readonly modelVersion: string;
  /** Folder of other models by version, for audiences that were made with a previously served model. */
  readonly models: string;
  /** The store with rankings. */
  readonly store: StoreLocator;
}

export interface ExportResult {
  readonly manifest: CustomisedManifest;
  readonly onnx: Uint8Array | null;
}

async function run(task: ExportTask, data: ExportThreadData): Promise<ExportResult> {
  const customised = await readStoredModel((await openStoreFiles(data.store)).blobs, task.folder);
  const general = readModelFolder(folderOf(customised.modelVersion, data));
  checkVersion(
    customised.modelVersion,
    general.manifest.version,
    `the model folder contains ${general.manifest.version}`,
  );
  const manifest = customisedManifest(general, customised, task);
  const onnx = task.wantsOnnx ? customisedOnnx(general, customised.changes, manifest) : null;
  return { manifest, onnx };
}

/** @throws AppError model_unavailable */
function folderOf(version: string, { model, modelVersion, models }: ExportThreadData): string {
  if (version === modelVersion) return model;
  const kept = findModel(models, version);
  if (kept === null) checkVersion(version, modelVersion, `${modelVersion} is served`);
  return kept ?? model;
}

function checkVersion(pinned: string, present: string, but: string): void {
  if (pinned === present) return;
  throw new AppError('model_unavailable', `the audience was made with model ${pinned}, and ${but} now`, {
    facts: { model_version: pinned, served_model_version: present },
  });
}

await hostThread(
  (data: ExportThreadData) => ({
    run: (task: ExportTask) => run(task, data),
    transferred: ({ onnx }: ExportResult) => (onnx === null ? [] : [onnx.buffer as ArrayBuffer]),
    close() {},
  }),
  appErrorOf,
);
