/** Makes the files of customised models, each in a thread of its own: an event loop that answers look-ups never waits for one. */
import type { CustomisedManifest } from '../online/customised-manifest.ts';
import type { ExportResult, ExportTask, ExportThreadData } from './export-thread.ts';
import { ThreadRuns } from './thread-runs.ts';

/** No limit is kept here: who calls it decides how many threads, each with a whole model, there may be. ONNX Runtime is not loaded. */
export class ModelExporter {
  readonly #general: Pick<ExportThreadData, 'model' | 'modelVersion'>;
  readonly #threads = new ThreadRuns('export-thread');

  /** `modelVersion` is the one that is served, which the folder `model` may not hold any more. */
  constructor(general: { readonly model: string; readonly modelVersion: string }) {
    this.#general = general;
  }

  /** @throws AppError model_not_stored, model_unavailable (facts: model_version, served_model_version), storage_failed */
  async manifest(task: ExportTask): Promise<CustomisedManifest> {
    return (await this.#run(task, false)).manifest;
  }

  /** The ONNX file, with the manifest in its metadata. @throws as `manifest` */
  async onnx(task: ExportTask): Promise<Uint8Array> {
    return (await this.#run(task, true)).onnx!;
  }

  /** Ends what is running; its callers get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #run({ campaignId, version, folder }: ExportTask, wantsOnnx: boolean): Promise<ExportResult> {
    const workerData: ExportThreadData = { ...this.#general, campaignId, version, folder, wantsOnnx };
    return this.#threads.run<ExportResult>(workerData);
  }
}
