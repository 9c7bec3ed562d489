/** The graph of a model file as the contract has it: what the service runs, adapts and gives away. */
import {
  exactSigmoids,
  filesFrom,
  findPaddedTables,
  findTies,
  fixMasks,
  type Graph,
  GraphError,
  keepPaddingRows,
  readModel,
  tieWeights,
} from '../../packages/onnx-grad/index.ts';
import { adaptInterface } from './adapt-interface.ts';
import { MODEL_FILE, type ModelFolder, refused } from './folder.ts';
import type { ImportSchema } from './import/schema.ts';
import type { Manifest } from './manifest.ts';

/** What of a manifest, or of the schema of an import, says how the file is to be read. */
export type Reading = Pick<Manifest, 'features' | 'inputs' | 'tied' | 'padded'>;

/**
 * `graph`, as its file has it, with the inputs and the output of the contract, its masks fixed, its weights tied, rows
 * of padding kept, and its probabilities exact; `path` names the model in a refusal (invalid_model).
 */
export function contractGraph(path: string, graph: Graph, { features, inputs, tied, padded }: Reading): Graph {
  const missing = [...(tied ?? []).flatMap(({ parameter, as }) => [parameter, as]), ...(padded ?? [])].find(
    (name) => !graph.initializers.has(name),
  );
  if (missing !== undefined) throw refused(path, `it has no parameter "${missing}", which is tied or padded`);
  const adapted = adaptInterface(path, fixMasks(graph), features, inputs ?? {});
  return exactSigmoids(keepPaddingRows(tieWeights(adapted, tied ?? []), padded ?? []));
}

/** How an exported graph is read by `schema`: what an export loses is found in it, unless the schema says otherwise. */
export function readingOf(path: string, graph: Graph, schema: ImportSchema): Reading {
  const tied = schema.tied ? findTies(graph) : [];
  const found = findPaddedTables(graph);
  const padded = schema.padded ?? found;
  for (const name of padded)
    if (!found.includes(name))
      throw refused(path, `the schema says that "${name}" is padded, and it is no table whose row 0 alone is 0`);
  // a table that is another one is none of its own
  const own = padded.filter((name) => !tied.some(({ parameter }) => parameter === name));
  return {
    features: schema.features,
    ...(Object.keys(schema.inputs).length === 0 ? {} : { inputs: schema.inputs }),
    ...(tied.length === 0 ? {} : { tied }),
    ...(own.length === 0 ? {} : { padded: own }),
  };
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
