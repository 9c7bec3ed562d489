/** `metaheac model import`: makes a model folder from an exported ONNX file, or proposes its schema with `--infer`. */
import {
  buildStepGraph,
  cutTables,
  elementCount,
  type Graph,
  GraphError,
  headGraphs,
  printGraph,
  spellVectorProducts,
  typeText,
} from '../../../../packages/onnx-grad/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { refused } from '../../../model/folder.ts';
import { countOps, type ImportReport, importModel, readExport } from '../../../model/import/import-model.ts';
import { inferSchema, type ProposedSchema } from '../../../model/import/infer-schema.ts';
import { SIDES } from '../../../model/interface.ts';
import { loadModel } from '../../../model/load.ts';
import { findLookups } from '../../../model/lookups.ts';
import { describeFeature, linearParameters, type Manifest, vocabularySizeOf } from '../../../model/manifest.ts';
import { type ParameterRole, rolesOf } from '../../../model/parameter-roles.ts';
import { loadTestedModel, type TestExpansion } from '../../../online/test-expansion.ts';
import { type UserSideVerdict, userSideGraphs } from '../../../online/user-side/user-side-graphs.ts';

export interface ModelImportOptions {
  schema: string;
  out: string;
  name?: string;
}

export async function modelImportCommand(file: string, options: ModelImportOptions, output: Output): Promise<void> {
  const { schema, out, name } = options;
  const created = new Date(systemClock.now()).toISOString();
  let tested: TestExpansion | null = null;
  const test = async (folder: string): Promise<void> => {
    tested = await testAs(file, folder);
  };
  const report = await importModel({ file, schema, out, created, test, ...(name === undefined ? {} : { name }) });
  for (const line of describeImport(report, tested!, out)) output.result(line);
}

/** Loads the written folder as the service would, and runs a test expansion; error messages name the exported file. */
async function testAs(file: string, folder: string): Promise<TestExpansion> {
  try {
    return (await loadTestedModel(folder)).tested;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, error.message.replaceAll(folder, file), { cause: error });
  }
}

/** Prints the proposed schema as JSON on stdout, and notes on what to check. */
export async function modelInferCommand(file: string, output: Output): Promise<void> {
  const { graph } = readExport(file);
  try {
    const { schema, notes } = await inferSchema(graph);
    output.result(schemaText(schema));
    for (const note of notes) output.note(`check: ${note}`);
  } catch (error) {
    if (error instanceof GraphError) throw refused(file, error.message, error);
    throw error;
  }
}

/** JSON with one feature per line, easy to edit. */
function schemaText({ inputs, features }: ProposedSchema): string {
  const sides = SIDES.map((side) => {
    const lines = features[side].map((feature) => `\n      ${JSON.stringify(feature)}`);
    return `    "${side}": [${lines.join(',')}${lines.length === 0 ? '' : '\n    '}]`;
  });
  const named = Object.entries(inputs ?? {}).map(
    ([name, target]) => `\n    ${JSON.stringify(name)}: ${JSON.stringify(target)}`,
  );
  const mapping = named.length === 0 ? '' : `  "inputs": {${named.join(',')}\n  },\n`;
  return `{\n${mapping}  "features": {\n${sides.join(',\n')}\n  }\n}`;
}

function describeImport(
  { manifest, schema, graph, parameters, ops, refused, dryRun }: ImportReport,
  tested: TestExpansion,
  out: string,
): string[] {
  const lines = [`model ${manifest.name} ${manifest.version} in ${out}`];
  for (const side of SIDES) {
    for (const feature of manifest.features[side]) {
      const origin = schema.origins.get(`${side}.${feature.name}`);
      const tokens =
        origin &&
        {
          schema: "the schema's tokens",
          file: 'tokens of a vocabulary file',
          ids: `ids as tokens, "1" to "${vocabularySizeOf(feature) - 1}"`,
        }[origin];
      lines.push(`${side} feature ${describeFeature(feature)}${tokens ? ` (${tokens})` : ''}`);
    }
  }
  for (const { parameter, as, transposed } of manifest.tied ?? [])
    lines.push(
      `parameter ${parameter}: tied to ${as}${transposed ? ' (transposed)' : ''} and adapted together with it`,
    );
  for (const name of manifest.padded ?? []) lines.push(`parameter ${name}: row 0 is padding and remains 0`);
  lines.push(...describeParameters(graph, parameters), describeOps(ops));
  lines.push(
    refused.length === 0 ? 'unsupported gradients: none' : 'unsupported gradients (of fixed parameters only):',
  );
  for (const { sentence, parameters: names } of refused) lines.push(`  ${names.join(', ')}: ${sentence}`);
  const { losses, users, unmoved } = dryRun;
  lines.push(
    `dry run of ${losses.length} steps on ${users} random users: losses ` +
      `${losses.map((loss) => loss.toFixed(4)).join(' ')}${unmoved.length === 0 ? '; every adapted parameter changed' : ''}`,
  );
  if (unmoved.length > 0) lines.push(`  unchanged parameters: ${unmoved.join(', ')}`);
  lines.push(
    `test expansion of ${tested.users} made-up users with ${tested.seeds} seeds passed (scores of the ONNX ` +
      `file differ by at most ${tested.apart?.toExponential(0)})`,
  );
  lines.push(`golden batch: ${manifest.golden_batch.scores.length} random users`);
  lines.push(`adaptation: ${JSON.stringify(manifest.adaptation)}`);
  return lines;
}

export interface ModelShowOptions {
  /** Whether to print the adaptation graphs too. */
  adaptation?: boolean;
}

/** `metaheac model show`. */
export async function modelShowCommand(dir: string, options: ModelShowOptions, output: Output): Promise<void> {
  const { manifest, graph, adapted } = await loadModel(dir);
  const cut = cutTables(graph, adapted);
  output.result(`${manifest.name} ${manifest.version}, made ${manifest.created}`);
  for (const side of SIDES) {
    for (const feature of manifest.features[side]) output.result(`${side} feature ${describeFeature(feature)}`);
  }
  for (const name of graph.inputs) output.result(`input ${name}: ${typeText(graph.values.get(name)!)}`);
  const fixed = [...graph.initializers.keys()].filter((name) => !adapted.includes(name));
  const selection = {
    adapted,
    fixed: new Map(fixed.map((name) => [name, 'the manifest does not list it as adapted'])),
  };
  for (const line of describeParameters(graph, rolesOf(graph, selection, cut))) output.result(line);
  output.result(describeOps(countOps(graph)));
  output.result(describeUserSide(userSideGraphs(graph, adapted)));
  output.result(`adaptation: ${JSON.stringify(manifest.adaptation)}`);
  if (manifest.evaluation) {
    for (const [group, { campaigns, auc }] of Object.entries(manifest.evaluation.groups)) {
      output.result(
        `evaluation on ${manifest.evaluation.data} (${manifest.evaluation.campaigns}), ${group}: AUC ` +
          `${auc.mean.toFixed(4)} [${auc.low.toFixed(3)}, ${auc.high.toFixed(3)}] over ${campaigns} campaigns`,
      );
    }
  }
  output.result(printGraph(graph));
  if (options.adaptation)
    for (const each of adaptationGraphs(graph, adapted, manifest)) output.result(printGraph(spellVectorProducts(each)));
}

/**
 * Describes each parameter on one line, with its role in adaptation and the inputs that index it. The last line is the
 * total.
 */
export function describeParameters(graph: Graph, parameters: readonly ParameterRole[]): string[] {
  const readers = new Map<string, Set<string>>();
  for (const { table, inputs } of findLookups(graph))
    readers.set(table, new Set([...(readers.get(table) ?? []), ...inputs.filter((name) => !name.endsWith('.length'))]));
  const roles = { compact: 'adapted, compact table', dense: 'adapted, dense', fixed: 'fixed' };
  const lines = parameters.map(({ name, shape, role, reason }) => {
    const inputs = [...(readers.get(name) ?? [])];
    const by = inputs.length === 0 ? '' : `, looked up by ${inputs.join(', ')}`;
    return `parameter ${name} [${shape.join(', ')}]: ${roles[role]}${reason === null ? '' : `: ${reason}`}${by}`;
  });
  const total = parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const count = (role: ParameterRole['role']) => parameters.filter((each) => each.role === role).length;
  lines.push(
    `${total} parameters in ${parameters.length} tensors`,
    `tables and tensors: ${count('compact')} compact, ${count('dense')} dense, ${count('fixed')} fixed`,
  );
  return lines;
}

/** Describes the part of scoring that is computed only once per user, for all campaigns. */
export function describeUserSide(verdict: UserSideVerdict): string {
  if (verdict.graphs === null) return `user side: none, because ${verdict.reason}`;
  const { width, tokens, saved } = verdict;
  const share = `${Math.round(100 * saved)} % of the products and look-ups`;
  return `user side: ${width} numbers and at most ${tokens} tokens per user; they save ${share} in each campaign`;
}

export function describeOps(ops: ReadonlyMap<string, number>): string {
  return `ops: ${[...ops].map(([op, nodes]) => `${op} ${nodes}`).join(', ')}`;
}

/** The graphs that the service runs for the kind of adaptation named in the manifest. */
function adaptationGraphs(graph: Graph, adapted: readonly string[], { adaptation }: Manifest): Graph[] {
  if (adaptation.optimiser === 'adam') return [buildStepGraph(cutTables(graph, adapted), adapted)];
  const { body, step } = headGraphs(graph, linearParameters(adaptation));
  return body ? [body, step] : [step];
}
