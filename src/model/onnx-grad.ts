/** Connects packages/onnx-grad to the service: converts its errors and opens its devices. */
import {
  type Device,
  OnnxGradError,
  type OnnxGradErrorCode,
  parseDevice,
  resolveDevice,
} from '../../packages/onnx-grad/index.ts';
import { AppError, type ErrorCode } from '../lib/errors.ts';

const CODES: { readonly [C in OnnxGradErrorCode]: ErrorCode } = {
  invalid_graph: 'invalid_graph',
  index_out_of_range: 'invalid_model',
  not_linear: 'invalid_model',
  too_large: 'invalid_model',
  invalid_device: 'invalid_argument',
  device_unavailable: 'device_unavailable',
};

const CUDA_ADVICE = `Install onnxruntime-node's CUDA binaries (see docs/operations.md, "GPU") or use --device cpu`;

/** Returns an error of packages/onnx-grad as an AppError, and any other error unchanged. */
export function appErrorOf(error: unknown): unknown {
  if (!(error instanceof OnnxGradError)) return error;
  const advice = error.code === 'device_unavailable' ? `. ${CUDA_ADVICE}` : '';
  return new AppError(CODES[error.code], `${error.message}${advice}`, { cause: error.cause ?? error });
}

/** Runs `run` and rethrows errors of packages/onnx-grad as AppErrors. */
export async function withAppErrors<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw appErrorOf(error);
  }
}

/**
 * Opens the device that an operator names: `auto`, `cpu`, `cuda` or `cuda:N`.
 * @throws AppError invalid_argument for any other text, device_unavailable if a named GPU cannot be used
 */
export function openDevice(text: string): Promise<Device> {
  return withAppErrors(() => resolveDevice(parseDevice(text)));
}
