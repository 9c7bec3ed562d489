/** The errors of this package. Codes stay the same between versions; messages may change. */

/**
 * - `invalid_graph`: a file or a graph that cannot be read, typed, differentiated or written.
 * - `index_out_of_range`: a look-up reads a row that does not exist in the table.
 * - `not_linear`: gradient descent needs parameters that only shift logits.
 * - `too_large`: a parameter does not fit into the memory of the optimiser.
 * - `invalid_device`: a string that does not name a device.
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

/** An `invalid_graph` error. The message describes the problem and names the node or value. */
export class GraphError extends OnnxGradError {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('invalid_graph', message, options);
    this.name = 'GraphError';
  }
}

/** Throws an assertion error unless `condition` is true. A failed assertion is a bug in this package. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The message of a thrown value, which need not be an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
