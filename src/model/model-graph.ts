/**
 * Converts the graph of a model file to the contract. The result is the graph that the service runs, adapts and
 * exports.
 */
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

/** The parts of a manifest, or of an import's schema, that describe how to read the model file. */
export type Reading = Pick<Manifest, 'features' | 'inputs' | 'tied' | 'padded'>;

/**
 * Returns `graph`, which was read from its file, with the inputs and the output of the contract, constant masks, tied
 * weights, fixed padding rows and exact probabilities. `path` names the model in errors (`invalid_model`).
 */
export function contractGraph(path: string, graph: Graph, { features, inputs, tied, padded }: Reading): Graph {
  const missing = [...(tied ?? []).flatMap(({ parameter, as }) => [parameter, as]), ...(padded ?? [])].find(
    (name) => !graph.initializers.has(name),
  );
  if (missing !== undefined) throw refused(path, `the model has no parameter "${missing}", which is tied or padded`);
  const adapted = adaptInterface(path, fixMasks(graph), features, inputs ?? {});
  return exactSigmoids(keepPaddingRows(tieWeights(adapted, tied ?? []), padded ?? []));
}

/**
 * How to read an exported graph. Tied weights and padding rows that the export lost are detected, unless the schema
 * specifies them.
 */
export function readingOf(path: string, graph: Graph, schema: ImportSchema): Reading {
  const tied = schema.tied ? findTies(graph) : [];
  const found = findPaddedTables(graph);
  const padded = schema.padded ?? found;
  for (const name of padded)
    if (!found.includes(name))
      throw refused(path, `the schema says that "${name}" is padded, but it is not a table in which only row 0 is 0`);
  // a tied table is not counted as a separate table
  const own = padded.filter((name) => !tied.some(({ parameter }) => parameter === name));
  return {
    features: schema.features,
    ...(Object.keys(schema.inputs).length === 0 ? {} : { inputs: schema.inputs }),
    ...(tied.length === 0 ? {} : { tied }),
    ...(own.length === 0 ? {} : { padded: own }),
  };
}

/** Reads the graph of a model folder. A file that cannot be read causes an `invalid_model` error. */
export function readFolderGraph(folder: ModelFolder): Graph {
  try {
    const graph = readModel(folder.read(MODEL_FILE), { external: filesFrom((path) => folder.read(path)) });
    return contractGraph(folder.path, graph, folder.manifest);
  } catch (error) {
    if (error instanceof GraphError) throw refused(folder.path, `${MODEL_FILE}: ${error.message}`, error);
    throw error;
  }
}
