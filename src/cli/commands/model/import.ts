/** `metaheac model import`: makes a model folder from an exported ONNX file, or proposes its schema with `--infer`. */

import { GraphError } from '../../../../packages/onnx-grad/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { refused } from '../../../model/folder.ts';
import { type ImportReport, importModel, readExport } from '../../../model/import/import-model.ts';
import { inferSchema, type ProposedSchema } from '../../../model/import/infer-schema.ts';
import { SIDES } from '../../../model/interface.ts';
import { describeFeature, vocabularySizeOf } from '../../../model/manifest.ts';
import { loadTestedModel, type TestExpansion } from '../../../online/test-expansion.ts';
import { describeOps, describeParameters } from './show.ts';

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
