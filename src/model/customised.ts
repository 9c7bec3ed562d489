/**
 * Reads and writes customised.bin, the changes that turn the general model into a campaign's customised model, and
 * writes the resulting ONNX file.
 */

import { z } from 'zod';
import { type Tensor, writeModel } from '../../packages/onnx-grad/index.ts';
import { AppError } from '../lib/errors.ts';
import { sortedEntries } from '../lib/text/canonical-json.ts';
import { applyChanges, type Change, type Changes } from './changes.ts';
import type { ModelFolder } from './folder.ts';
import { readFolderGraph } from './model-graph.ts';
import { decodeTensorFile, encodeTensorFile } from './tensor-file.ts';

/** The name of the file in the folder of a ranking. */
export const CUSTOMISED_FILE = 'customised.bin';
/** The key in the `metadata_props` of the ONNX file under which the manifest is stored. */
const MANIFEST_KEY = 'metaheac.manifest';

/** Version of the file's contract; files with another version are rejected. */
const CUSTOMISED_CONTRACT = 1;

const factsSchema = z.strictObject({
  contract: z.literal(CUSTOMISED_CONTRACT),
  /** Version of the general model. */
  model_version: z.string(),
  population_version: z.string(),
  /** The campaign's features, which are inputs of the model. */
  features: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()), z.array(z.number())])),
  /**
   * The token that was removed from every user: its feature, and its id in the model. Absent if no token was removed.
   */
  left_out: z.strictObject({ feature: z.string(), id: z.int().min(1) }).optional(),
});

/** A customised model as a difference from a general model. */
export interface Customised {
  readonly modelVersion: string;
  readonly populationVersion: string;
  readonly features: Readonly<Record<string, string | number | readonly string[] | readonly number[]>>;
  /** The token that was removed from every user: its feature, and its id in the general model. */
  readonly leftOut: { readonly feature: string; readonly id: number } | null;
  readonly changes: Changes;
}

/**
 * Returns the bytes of customised.bin in newly allocated memory. The bytes depend only on `customised`, and not on the
 * order of its features.
 */
export function encodeCustomised(customised: Customised): Uint8Array {
  const { modelVersion, populationVersion, features, leftOut, changes } = customised;
  const tensors = new Map<string, Tensor>();
  for (const [name, { rows, values }] of changes) {
    if (rows !== null) tensors.set(`rows/${name}`, { dtype: 'int32', shape: [rows.length], data: rows });
    tensors.set(`values/${name}`, values);
  }
  const facts = {
    contract: CUSTOMISED_CONTRACT,
    model_version: modelVersion,
    population_version: populationVersion,
    features: Object.fromEntries(sortedEntries(features)),
    ...(leftOut === null ? {} : { left_out: { feature: leftOut.feature, id: leftOut.id } }),
  };
  const parts = encodeTensorFile({ facts, tensors });
  const out = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return out;
}

/**
 * Parses the bytes of customised.bin; errors refer to the file as `path`.
 * @throws AppError storage_failed if the file is damaged or has another contract
 */
export function decodeCustomised(bytes: Uint8Array, path: string): Customised {
  const file = decodeTensorFile(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (file === null) throw damaged(path, 'the file is truncated or altered');
  const facts = factsSchema.safeParse(file.facts).data;
  if (facts === undefined) throw damaged(path, `the header does not have contract ${CUSTOMISED_CONTRACT}`);
  const changes = new Map<string, Change>();
  for (const [key, values] of file.tensors) {
    const name = key.slice(key.indexOf('/') + 1);
    const rows = file.tensors.get(`rows/${name}`)?.data ?? null;
    if (key.startsWith('values/')) changes.set(name, { rows: rows as Int32Array | null, values });
  }
  const { model_version, population_version, features, left_out = null } = facts;
  return {
    modelVersion: model_version,
    populationVersion: population_version,
    features,
    leftOut: left_out,
    changes,
  };
}

/**
 * Returns the customised model as an ONNX file: the general model's graph and inputs with changed parameters, and
 * `manifest` in its metadata. Equal arguments produce equal bytes. `general` must be the version from which `changes`
 * were computed.
 * @throws AppError storage_failed if the changes do not fit the general model
 */
export function customisedOnnx(general: ModelFolder, changes: Changes, manifest: object): Uint8Array {
  const graph = readFolderGraph(general);
  const initializers = applyChanges(graph.initializers, changes);
  if (initializers === null) throw new AppError('storage_failed', `the changes do not fit model ${general.path}`);
  const metadata = { [MANIFEST_KEY]: JSON.stringify(manifest) };
  return writeModel({ ...graph, initializers }, { producer: 'metaheac', metadata });
}

function damaged(path: string, what: string): AppError {
  return new AppError('storage_failed', `customised model ${path}: ${what}`);
}
