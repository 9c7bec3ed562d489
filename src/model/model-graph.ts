/** The graph of a model file as the contract has it: what the service runs, adapts and gives away. */
import { exactSigmoids, filesFrom, type Graph, GraphError, readModel } from '../graph/index.ts';
import { adaptInterface } from './adapt-interface.ts';
import { MODEL_FILE, type ModelFolder, refused } from './folder.ts';
import type { Manifest } from './manifest.ts';

/** What of a manifest, or of the schema of an import, says how the file is to be read. */
export type Reading = Pick<Manifest, 'features' | 'inputs'>;

/**
 * `graph`, as its file has it, with the inputs and the output of the contract, and its probabilities exact; `path`
 * names the model in a refusal (invalid_model).
 */
export function contractGraph(path: string, graph: Graph, { features, inputs = {} }: Reading): Graph {
  return exactSigmoids(adaptInterface(path, graph, features, inputs));
}

/** The graph of a model folder. A file that cannot be read is invalid_model. */
export function readFolderGraph(folder: ModelFolder): Graph {
  try {
    const graph = readModel(folder.read(MODEL_FILE), { external: filesFrom((path) => folder.read(path)) });
    return contractGraph(folder.path, graph, folder.manifest);
  } catch (error) {
    if (error instanceof GraphError) throw refused(folder.path, `${MODEL_FILE}: ${error.message}`, error);
    throw error;
  }
}
