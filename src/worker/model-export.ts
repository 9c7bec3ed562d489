/** Makes the files of customised models, each in a thread of its own: an event loop that answers look-ups never waits for one. */
import type { Worker } from 'node:worker_threads';
import { startThreadBeside } from '../lib/entry.ts';
import { restoreError } from '../lib/thread-error.ts';
import type { CustomisedManifest } from '../online/customised-manifest.ts';
import type { ExportMessage, ExportTask, ExportThreadData } from './export-thread.ts';

/** No limit is kept here: who calls it decides how many threads, each with a whole model, there may be. ONNX Runtime is not loaded. */
export class ModelExporter {
  readonly #general: Pick<ExportThreadData, 'model' | 'modelVersion'>;
  readonly #running = new Set<Worker>();

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
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.terminate()));
  }

  #run(task: ExportTask, wantsOnnx: boolean): Promise<Extract<ExportMessage, { kind: 'result' }>> {
    const workerData: ExportThreadData = { ...this.#general, ...task, wantsOnnx };
    const worker = startThreadBeside(import.meta.url, 'export-thread', { workerData });
    this.#running.add(worker);
    return new Promise((resolve, reject) => {
      worker.once('message', (message: ExportMessage) => {
        if (message.kind === 'result') resolve(message);
        else reject(restoreError(message.error));
      });
      worker.once('error', reject);
      worker.once('exit', (code) => {
        this.#running.delete(worker);
        reject(new Error(`the thread that makes a customised model ended with code ${code}`));
      });
    });
  }
}
