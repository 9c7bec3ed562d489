/**
 * Devices, and sessions that run a graph. Only this file imports onnxruntime-node, and only when the first session is
 * opened, so a process that just reads and writes graphs never loads ONNX Runtime.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { messageOf, OnnxGradError } from '../errors.ts';
import { Builder } from '../graph/builder.ts';
import type { Graph, Node } from '../graph/ir.ts';
import { type DataType, isFloat, type Tensor, type TensorData } from '../graph/tensor.ts';
import { writeModel } from '../onnx/write.ts';
import { spellElementLookups } from '../rewrite/element-lookups.ts';
import { spellVectorProducts } from '../rewrite/vector-products.ts';

const require = createRequire(import.meta.url);

let loaded: typeof Ort | null = null;

/** Loads ONNX Runtime once per thread. Its Linux builds send telemetry unless ORT_DISABLE_TELEMETRY is set. */
function runtime(): typeof Ort {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  loaded ??= require('onnxruntime-node') as typeof Ort;
  return loaded;
}

/** The version of ONNX Runtime. */
export function runtimeVersion(): string {
  return require('onnxruntime-node/package.json').version;
}

/** A device that a caller may request. `cuda:1` is the second GPU. */
export type DeviceRequest = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

export interface Device {
  readonly kind: 'cpu' | 'cuda';
  readonly id: number;
  /** The device as text, with the reason if `auto` chose the CPU. */
  readonly detail: string;
}

export const CPU: Device = { kind: 'cpu', id: 0, detail: 'cpu' };

export interface SessionOptions {
  readonly device?: Device;
  /** Number of threads per run. Default: 1. */
  readonly threads?: number;
  /**
   * Whether the session keeps its memory between runs, which helps large graphs that run many times. Default: false.
   */
  readonly keepsMemory?: boolean;
}

/** Tensors by the name of an input or output. */
export type Feeds = Readonly<Record<string, Tensor>>;

export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs the graph and returns `outputs` (default: all) by name. Feeds that are not inputs of the graph are ignored; a
   * missing feed causes an ONNX Runtime error. Outputs named in `into` are written to the memory of the tensors in
   * `into`. The run is one synchronous native call, which blocks the calling thread.
   */
  run(
    feeds: Feeds,
    options?: { readonly outputs?: readonly string[]; readonly into?: Feeds },
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** Parses `cuda:N`, `cuda`, `cpu` or `auto`. Any other string causes an `invalid_device` error. */
export function parseDevice(text: string): DeviceRequest {
  if (text === 'auto' || text === 'cpu' || text === 'cuda' || /^cuda:\d{1,2}$/.test(text)) return text as DeviceRequest;
  throw new OnnxGradError('invalid_device', `device "${text}" is not one of auto, cpu, cuda, cuda:N`);
}

/**
 * Returns the device to use. If a requested GPU cannot be used, a `device_unavailable` error gives the reason; `auto`
 * falls back to the CPU.
 */
export async function resolveDevice(request: DeviceRequest): Promise<Device> {
  if (request === 'cpu') return CPU;
  const id = Number(request.split(':')[1] ?? 0);
  const device: Device = { kind: 'cuda', id, detail: `cuda:${id}` };
  const missing = missingCudaLibrary();
  if (missing !== null) return withoutCuda(request, `${missing} is not installed`);
  try {
    const b = new Builder();
    const x = b.input('x', 'float32', [1]);
    const session = await openSession(b.build('probe', [b.add('Add', [x, x])]), { device });
    await session.close();
    return device;
  } catch (error) {
    return withoutCuda(request, messageOf(error).split('\n')[0]!, error);
  }
}

function withoutCuda(request: DeviceRequest, reason: string, cause?: unknown): Device {
  if (request === 'auto') return { ...CPU, detail: `cpu (CUDA is not available: ${reason})` };
  throw new OnnxGradError('device_unavailable', `${request} cannot be used: ${reason}`, { cause });
}

/**
 * The name of the CUDA provider's library if the library is missing, otherwise null. This is checked before trying
 * CUDA, because ONNX Runtime prints errors to stderr.
 */
function missingCudaLibrary(): string | null {
  const library = 'libonnxruntime_providers_cuda.so';
  const folder = join(
    dirname(require.resolve('onnxruntime-node/package.json')),
    'bin/napi-v6',
    process.platform,
    process.arch,
  );
  return process.platform === 'linux' && !existsSync(join(folder, library)) ? library : null;
}

/**
 * Opens a session that runs `graph`, or the graph in the bytes of a file. The session has one thread unless `threads`
 * is set. A file, or a graph that contains a ScatterND with addition, always runs in one thread, because such a
 * ScatterND has a race condition on the CPU (README.md, "Decisions").
 */
export async function openSession(graph: Graph | Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const bytes = graph instanceof Uint8Array ? graph : writeModel(spellElementLookups(spellVectorProducts(graph)));
  const threads = graph instanceof Uint8Array || races(graph) ? 1 : (options.threads ?? 1);
  const { kind, id } = options.device ?? CPU;
  const session = await runtime().InferenceSession.create(bytes, {
    executionProviders: kind === 'cuda' ? [{ name: 'cuda', deviceId: id }, 'cpu'] : ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // by default there is no arena, because the sessions of a thread cannot share the memory that their arenas keep
    // (tens of MiB each)
    enableCpuMemArena: options.keepsMemory ?? false,
    logSeverityLevel: 3,
    // idle threads must not spin, because other work needs the processors
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds, { outputs = session.outputNames, into = {} } = {}) {
      const given: Record<string, Ort.Tensor> = {};
      for (const name of session.inputNames) {
        const feed = feeds[name];
        if (feed) given[name] = toOrt(feed);
      }
      const fetches: Record<string, Ort.Tensor | null> = {};
      for (const name of outputs) fetches[name] = into[name] ? toOrt(into[name]) : null;
      const results = await session.run(given, fetches);
      const out: Record<string, Tensor> = {};
      for (const name of outputs) out[name] = into[name] ?? fromOrt(results[name]!);
      return out;
    },
    close: () => session.release(),
  };
}

function races({ nodes }: Graph): boolean {
  return nodes.some((node) => node.op === 'ScatterND' && (node as Node<'ScatterND'>).attributes.reduction === 'add');
}

function toOrt({ dtype, data, shape }: Tensor): Ort.Tensor {
  return new (runtime().Tensor)(dtype, data as never, shape);
}

function fromOrt(source: Ort.Tensor): Tensor {
  return { dtype: source.type as DataType, shape: source.dims, data: source.data as TensorData };
}

/** Whether all elements are finite. */
export function allFinite(source: Tensor): boolean {
  return !isFloat(source.dtype) || (source.data as Float32Array).every((x) => Number.isFinite(x));
}
