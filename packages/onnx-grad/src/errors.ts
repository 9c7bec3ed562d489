/** The errors of this package: each has a code that stays the same between versions; messages may change. */

/**
 * - `invalid_graph`: a file or a graph that cannot be read, typed, differentiated or written.
 * - `index_out_of_range`: a look-up reads a row that its table does not have.
 * - `not_linear`: a blend needs parameters that only shift logits.
 * - `too_large`: a parameter does not fit into the memory of the optimiser.
 * - `invalid_device`: the text does not name a device.
 * - `device_unavailable`: the device cannot be used on this machine.
 */
export type OnnxGradErrorCode =
  | 'invalid_graph'
  | 'index_out_of_range'
  | 'not_linear'
  | 'too_large'
  | 'invalid_device'
  | 'device_unavailable';

export class OnnxGradError extends Error {
  readonly code: OnnxGradErrorCode;

  constructor(code: OnnxGradErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : options);
    this.name = 'OnnxGradError';
    this.code = code;
  }
}

/** An `invalid_graph`: the message says what is wrong, and names the node or value. */
export class GraphError extends OnnxGradError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('invalid_graph', message, options);
    this.name = 'GraphError';
  }
}

/** Throws an assertion error unless `condition` holds: a failure is a bug of this package. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
