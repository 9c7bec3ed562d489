/**
 * Devices, and sessions that run a graph. The only importer of onnxruntime-node, which is loaded with the first
 * session, so a process that only reads and writes graphs never loads it.
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
import { spellVectorProducts } from '../rewrite/vector-products.ts';

const require = createRequire(import.meta.url);

let loaded: typeof Ort | null = null;

/** ONNX Runtime, loaded once per thread. Its Linux builds send telemetry unless this variable is set. */
function runtime(): typeof Ort {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  loaded ??= require('onnxruntime-node') as typeof Ort;
  return loaded;
}

/** What a caller may ask for; `cuda:1` is the second GPU. */
export type DeviceRequest = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

export interface Device {
  readonly kind: 'cpu' | 'cuda';
  readonly id: number;
  /** The device as text; if `auto` chose the CPU, also the reason. */
  readonly detail: string;
}

export const CPU: Device = { kind: 'cpu', id: 0, detail: 'cpu' };

export interface SessionOptions {
  readonly device?: Device;
  /** Threads of one run. Default: 1. */
  readonly threads?: number;
  /** Whether the session keeps its memory between runs: for a large graph that runs many times. Default: false. */
  readonly keepsMemory?: boolean;
}

/** Tensors by the name of an input or output. */
export type Feeds = Readonly<Record<string, Tensor>>;

export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs the graph and returns `outputs` (default: all) by name. Feeds that are not inputs of the graph are ignored; a
   * missing feed is an error of ONNX Runtime. Outputs named in `into` are written to the memory of those tensors. The
   * run is one synchronous native call, which blocks the calling thread.
   */
  run(
    feeds: Feeds,
    options?: { readonly outputs?: readonly string[]; readonly into?: Feeds },
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** `cuda:N`, `cuda`, `cpu` or `auto`; any other text is an `invalid_device` error. */
export function parseDevice(text: string): DeviceRequest {
  if (text === 'auto' || text === 'cpu' || text === 'cuda' || /^cuda:\d{1,2}$/.test(text)) return text as DeviceRequest;
  throw new OnnxGradError('invalid_device', `device "${text}" is none of auto, cpu, cuda, cuda:N`);
}

/**
 * The device to use. A requested GPU that cannot be used is a `device_unavailable` error with the reason; `auto` falls
 * back to the CPU.
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
 * The name of the CUDA provider's library if it is missing. Checked first, because ONNX Runtime complains on stderr.
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
 * Opens a session of `graph`, or of the bytes of a file. It has one thread unless `threads` asks for more. The bytes of
 * a file, and a graph that adds with ScatterND, always run in one thread, because that op races on the CPU (README.md,
 * "Decisions").
 */
export async function openSession(graph: Graph | Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const bytes = graph instanceof Uint8Array ? graph : writeModel(spellVectorProducts(graph));
  const threads = graph instanceof Uint8Array || races(graph) ? 1 : (options.threads ?? 1);
  const { kind, id } = options.device ?? CPU;
  const session = await runtime().InferenceSession.create(bytes, {
    executionProviders: kind === 'cuda' ? [{ name: 'cuda', deviceId: id }, 'cpu'] : ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // sessions of one thread cannot share the memory that their arenas keep (tens of MiB)
    enableCpuMemArena: options.keepsMemory ?? false,
    logSeverityLevel: 3,
    // waiting threads must not take processors from other work
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

/** Whether no element is NaN or infinite. */
export function allFinite(source: Tensor): boolean {
  return !isFloat(source.dtype) || (source.data as Float32Array).every((x) => Number.isFinite(x));
}
