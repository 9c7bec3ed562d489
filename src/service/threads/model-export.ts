/**
 * Builds each file of a customised model in a separate thread, because the event loop that serves look-ups must not
 * wait.
 */
import { SingleTaskThreads } from '../../lib/threads/single-task-threads.ts';
import type { CustomisedManifest } from '../../online/customised-manifest.ts';
import type { ExportResult, ExportTask, ExportThreadData } from './export-thread.ts';

type Audience = Omit<ExportTask, 'wantsOnnx'>;

/**
 * Builds files of customised models in threads, without ONNX Runtime. Each thread keeps a whole model in memory, so the
 * caller limits the number of threads.
 */
export class ModelExporter {
  readonly #threads: SingleTaskThreads<ExportTask, ExportResult>;

  /**
   * `modelVersion` is the served version, which the folder `model` may no longer contain. `store` locates rankings. The
   * properties are read again for each file, because the served model may have changed.
   */
  constructor(data: ExportThreadData) {
    this.#threads = new SingleTaskThreads({ beside: import.meta.url, name: 'export-thread', data });
  }

  /**
   * @throws AppError model_not_stored, model_unavailable (facts: model_version, served_model_version), storage_failed
   */
  async manifest(task: Audience): Promise<CustomisedManifest> {
    return (await this.#run(task, false)).manifest;
  }

  /** The ONNX file, with the manifest in its metadata. @throws the errors of `manifest` */
  async onnx(task: Audience): Promise<Uint8Array> {
    return (await this.#run(task, true)).onnx!;
  }

  /** Ends running exports; callers waiting for an export get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #run({ campaignId, version, folder }: Audience, wantsOnnx: boolean): Promise<ExportResult> {
    return this.#threads.run({ campaignId, version, folder, wantsOnnx });
  }
}
