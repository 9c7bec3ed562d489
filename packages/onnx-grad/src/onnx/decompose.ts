/**
 * Decomposes composite nodes of a file into nodes of the op table, whose gradients are known: `norm` becomes
 * `norm/Sub`, `norm/Mul`, ..
 */

import type { CompositeOp, CompositeSpec } from '../composites/spec.ts';
import { COMPOSITES } from '../composites/table.ts';
import { GraphError } from '../errors.ts';
import type { Builder } from '../graph/builder.ts';
import { type FileNode, nodeText } from './file-node.ts';
import { readAttributesOf } from './proto-attributes.ts';

/**
 * Adds to `b` the nodes that `node`, with the op `op`, stands for, named `<name>/<op>`. Its outputs keep their names. A
 * node that cannot be decomposed exactly is a GraphError that names it.
 */
export function decompose(b: Builder, op: CompositeOp, node: FileNode, name: string): void {
  const where = nodeText(node);
  const spec = COMPOSITES[op] as CompositeSpec<CompositeOp>;
  const [least, most] = spec.arity;
  const inputs = node.inputs.map((input) => (input === '' ? null : b.get(input)));
  if (inputs.length < least || inputs.length > most)
    throw new GraphError(`${where} has ${inputs.length} inputs, not ${least === most ? least : `${least} to ${most}`}`);
  const missing = inputs.slice(0, least).indexOf(null);
  if (missing >= 0) throw new GraphError(`${where} lacks its input ${missing}`);
  if (node.outputs.length > spec.outputs)
    throw new GraphError(`${where} has ${node.outputs.length} outputs, not ${spec.outputs}`);
  const attributes = readAttributesOf(spec.attributes, node.attributes, where);
  try {
    b.named(`${name}/`, () =>
      spec.decompose({
        b,
        inputs,
        attributes,
        output: (i) => ({ outputs: [node.outputs[i] ?? ''] }),
        wants: (i) => (node.outputs[i] ?? '') !== '',
      }),
    );
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new GraphError(`${where}: ${error.message}`, { cause: error });
  }
}
