/** The refusal of a graph: what is wrong with it, with the node that it is wrong at. */
import { AppError } from '../lib/errors.ts';

export class GraphError extends AppError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('invalid_graph', message, options);
    this.name = 'GraphError';
  }
}
