/** The refusal of a graph: what is wrong with it, and at which node. */
import { AppError } from '../../../../src/lib/errors.ts';

export class GraphError extends AppError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('invalid_graph', message, options);
    this.name = 'GraphError';
  }
}
