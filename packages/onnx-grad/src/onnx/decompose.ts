/**
 * Decomposes the composite nodes of a file into nodes with ops from the table, which have gradients. A node `norm`
 * becomes `norm/Sub`, `norm/Mul`, ..
 */

import type { CompositeOp, CompositeSpec } from '../composites/spec.ts';
import { COMPOSITES } from '../composites/table.ts';
import { GraphError } from '../errors.ts';
import type { Builder } from '../graph/builder.ts';
import { requireArity } from '../ops/helpers.ts';
import { type FileNode, nodeText } from './file-node.ts';
import { readAttributesOf } from './proto-attributes.ts';

/**
 * Adds to `b` the nodes that replace `node`, which has the composite op `op`. The new nodes are named `<name>/<op>`;
 * the outputs keep their names. If a node cannot be decomposed exactly, a GraphError names the node.
 */
export function decompose(b: Builder, op: CompositeOp, node: FileNode, name: string): void {
  const where = nodeText(node);
  const spec = COMPOSITES[op] as CompositeSpec<CompositeOp>;
  const inputs = node.inputs.map((input) => (input === '' ? null : b.get(input)));
  requireArity(inputs, spec.arity, where);
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
