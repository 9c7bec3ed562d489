/** `metaheac model show`. */
import { cutTables } from '../../graph/cut-tables.ts';
import { elementCount } from '../../graph/ir.ts';
import { printGraph } from '../../graph/print.ts';
import { loadModel } from '../../model/load.ts';
import type { Output } from '../output.ts';

export async function modelShowCommand(dir: string, output: Output): Promise<void> {
  const { manifest, graph, adapted } = await loadModel(dir);
  const cut = cutTables(graph, adapted);
  output.result(`${manifest.name} ${manifest.version}, made ${manifest.created}`);
  for (const side of ['user', 'campaign'] as const) {
    for (const { name, kind, max_length, vocabulary_size } of manifest.features[side]) {
      output.result(
        `${side} feature ${name}: ${kind}${max_length === undefined ? '' : `, at most ${max_length} tokens`}, ${vocabulary_size - 1} tokens known`,
      );
    }
  }
  const compact = new Set(cut.tables.map(({ parameter }) => parameter));
  let total = 0;
  for (const [name, { shape }] of graph.initializers) {
    total += elementCount(shape);
    const how = !adapted.includes(name)
      ? 'fixed'
      : compact.has(name)
        ? 'adapted, compact table'
        : `adapted, dense: ${cut.dense.get(name)}`;
    output.result(`parameter ${name} [${shape.join(', ')}]: ${how}`);
  }
  output.result(`${total} parameters in ${graph.initializers.size} tensors`);
  output.result(`adaptation: ${JSON.stringify(manifest.adaptation)}`);
  if (manifest.evaluation) {
    for (const [group, { campaigns, auc }] of Object.entries(manifest.evaluation.groups)) {
      output.result(
        `evaluation on ${manifest.evaluation.data} (${manifest.evaluation.campaigns}), ${group}: AUC ${auc.mean.toFixed(4)} [${auc.low.toFixed(3)}, ${auc.high.toFixed(3)}] over ${campaigns} campaigns`,
      );
    }
  }
  output.result(printGraph(graph));
}
