/**
 * Builds the files of customised models, each in its own thread: the event loop that serves look-ups must not wait for
 * one.
 */
import { SingleTaskThreads } from '../../lib/threads/single-task-threads.ts';
import type { CustomisedManifest } from '../../online/customised-manifest.ts';
import type { ExportResult, ExportTask, ExportThreadData } from './export-thread.ts';

type Audience = Omit<ExportTask, 'wantsOnnx'>;

/**
 * There is no limit here: the caller decides how many threads, each with a whole model, there may be. ONNX Runtime is
 * not loaded.
 */
export class ModelExporter {
  readonly #threads: SingleTaskThreads<ExportTask, ExportResult>;

  /**
   * `modelVersion` is the one that is served, which the folder `model` may not hold any more; `store` is where rankings
   * are. The properties are read for each file: another model may be served by then.
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

  /** The ONNX file, with the manifest in its metadata. @throws as `manifest` */
  async onnx(task: Audience): Promise<Uint8Array> {
    return (await this.#run(task, true)).onnx!;
  }

  /** Ends running exports; their callers get an error. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  #run({ campaignId, version, folder }: Audience, wantsOnnx: boolean): Promise<ExportResult> {
    return this.#threads.run({ campaignId, version, folder, wantsOnnx });
  }
}
