/** `metaheac model show`. */

import {
  buildStepGraph,
  cutTables,
  elementCount,
  type Graph,
  headGraphs,
  printGraph,
  spellVectorProducts,
  typeText,
} from '../../../../packages/onnx-grad/index.ts';
import type { Output } from '../../../lib/output.ts';
import { countOps } from '../../../model/import/import-model.ts';
import { SIDES } from '../../../model/interface.ts';
import { loadModel } from '../../../model/load.ts';
import { findLookups } from '../../../model/lookups.ts';
import { describeFeature, linearParameters, type Manifest } from '../../../model/manifest.ts';
import { type ParameterRole, rolesOf } from '../../../model/parameter-roles.ts';
import { type UserSideVerdict, userSideGraphs } from '../../../online/user-side/user-side-graphs.ts';

export interface ModelShowOptions {
  /** Whether to print the adaptation graphs too. */
  adaptation?: boolean;
}

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
