/**
 * Reverse-mode differentiation. The gradient of a scalar is added as nodes with ops from the same table, so a gradient
 * can be differentiated again.
 */

import { GraphError } from '../errors.ts';
import type { OpType } from '../ops/attributes.ts';
import { shapeOf, zerosLike } from '../ops/helpers.ts';
import type { GradientRule } from '../ops/spec.ts';
import { OPS } from '../ops/table.ts';
import { Builder } from './builder.ts';
import type { Graph, Node, Value } from './ir.ts';
import { isFloat, sameShape, typeText } from './tensor.ts';

/**
 * Adds to `b` the gradient of `loss` (a float scalar) with respect to each of `parameters` (any float values). Returns
 * the gradients by name, each with the shape of its parameter. The gradient is zero if the loss does not depend on the
 * parameter.
 *
 * `graph` is the graph that `b` has built so far; for higher-order derivatives, call the function again with the
 * extended graph. A path through an op without a gradient rule causes a GraphError that names the op, the node and the
 * path from the loss to the node.
 */
export function addGradients(
  b: Builder,
  graph: Graph,
  loss: Value,
  parameters: readonly Value[],
): ReadonlyMap<string, Value> {
  if (loss.shape.length !== 0 || !isFloat(loss.dtype))
    throw new GraphError(`the loss "${loss.name}" is ${typeText(loss)}, not a float scalar`);
  for (const parameter of parameters) {
    if (!isFloat(parameter.dtype))
      throw new GraphError(`the parameter "${parameter.name}" is ${typeText(parameter)}: only floats have a gradient`);
  }
  const dependent = dependentValues(graph, new Set(parameters.map((parameter) => parameter.name)));
  const gradients = new Map<string, Value>();
  const cameFrom = new Map<string, Node>();

  const accumulate = (name: string, gradient: Value, via: Node): void => {
    const target = b.get(name);
    const summed = unbroadcast(b, gradient, target);
    const before = gradients.get(name);
    gradients.set(name, before ? b.add('Add', [before, summed]) : summed);
    if (!cameFrom.has(name)) cameFrom.set(name, via);
  };

  if (dependent.has(loss.name)) gradients.set(loss.name, b.scalar(1, loss));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => gradients.has(name)) || !node.inputs.some((name) => dependent.has(name))) continue;
    b.named(`${node.name}_grad/`, () => {
      const outputGradients = node.outputs.map((name) => {
        const gradient = gradients.get(name);
        const override = graph.overrides.get(name);
        if (!gradient || !override) return gradient ?? null;
        for (const { input, gradient: factor } of override) {
          if (dependent.has(input)) accumulate(input, b.add('Mul', [gradient, b.get(factor)]), node);
        }
        return null;
      });
      if (outputGradients.every((gradient) => gradient === null)) return;
      const wanted = node.inputs.map((name) => dependent.has(name));
      const inputGradients = applyRule(b, node, outputGradients, wanted, () => pathTo(node, cameFrom));
      inputGradients.forEach((inputGradient, i) => {
        if (inputGradient && wanted[i]) accumulate(node.inputs[i]!, inputGradient, node);
      });
    });
  }
  return new Map(
    parameters.map((parameter) => [
      parameter.name,
      typedAs(b, gradients.get(parameter.name) ?? zerosLike(b, parameter), parameter),
    ]),
  );
}

/**
 * Returns `graph` with the gradients of `loss` (a float scalar) as additional outputs, in the order of `parameters`.
 * The outputs are named `grad/<parameter>` and have the shapes of the parameters. Throws the same errors as
 * `addGradients`.
 */
export function differentiate(graph: Graph, loss: string, parameters: readonly string[]): Graph {
  const b = Builder.from(graph);
  const gradients = addGradients(
    b,
    graph,
    b.get(loss),
    parameters.map((name) => b.get(name)),
  );
  const outputs = parameters.map((name) => b.add('Identity', [gradients.get(name)!], {}, { name: `grad/${name}` }));
  return b.build(graph.name, [...graph.outputs.map((name) => b.get(name)), ...outputs]);
}

/**
 * The float values in `sources`, and all float values that depend on them through differentiable ops. Ops with a reason
 * for having no gradient rule are included, so that the reverse sweep reports the reason. Integers and booleans have no
 * gradient.
 */
export function dependentValues(graph: Graph, sources: ReadonlySet<string>): ReadonlySet<string> {
  const dependent = new Set([...sources].filter((name) => isFloat(graph.values.get(name)!.dtype)));
  for (const node of graph.nodes) {
    if (OPS[node.op].gradient === 'none' || !node.inputs.some((name) => dependent.has(name))) continue;
    for (const name of node.outputs) if (isFloat(graph.values.get(name)!.dtype)) dependent.add(name);
  }
  return dependent;
}

function applyRule(
  b: Builder,
  node: Node,
  gradients: readonly (Value | null)[],
  wanted: readonly boolean[],
  path: () => string,
): readonly (Value | null)[] {
  const { gradient: rule } = OPS[node.op] as { gradient: GradientRule<OpType> | 'none' | { refused: string } };
  if (typeof rule !== 'function') {
    const reason = rule === 'none' ? 'the op has no gradient' : rule.refused;
    throw new GraphError(
      `${node.op} node "${node.name}" cannot be differentiated: ${reason} (path from the loss: ${path()})`,
    );
  }
  const outputs = node.outputs.map((name) => b.get(name));
  try {
    return rule({
      b,
      inputs: node.inputs.map((name) => (name === '' ? null : b.get(name))),
      outputs,
      attributes: node.attributes,
      gradients,
      // this is a getter because only some rules need the zeros
      get gradient() {
        return gradients[0] ?? zerosLike(b, outputs[0]!);
      },
      wants: (i) => wanted[i] ?? false,
    });
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new GraphError(
      `${node.op} node "${node.name}" cannot be differentiated: ${error.message} (path from the loss: ${path()})`,
      { cause: error },
    );
  }
}

/** The names of the nodes on the path of the gradient from the loss to `node`. */
function pathTo(node: Node, cameFrom: ReadonlyMap<string, Node>): string {
  const names: string[] = [];
  for (
    let at: Node | undefined = node;
    at !== undefined;
    at = at.outputs.map((name) => cameFrom.get(name)).find((via) => via !== undefined)
  ) {
    names.unshift(at.name);
  }
  return names.join(' <- ');
}

/** Reshapes `gradient` to the shape of `target`. The sizes are equal, but their names may differ. */
function typedAs(b: Builder, gradient: Value, target: Value): Value {
  if (sameShape(gradient.shape, target.shape)) return gradient;
  return b.add('Reshape', [gradient, shapeOf(b, target)], { allowzero: 1 });
}

/** Sums `gradient` over the axes along which `target` was broadcast. Broadcasting is undone only here. */
function unbroadcast(b: Builder, gradient: Value, target: Value): Value {
  if (sameShape(gradient.shape, target.shape)) return gradient;
  const extra = gradient.shape.length - target.shape.length;
  let out = gradient;
  if (extra > 0) out = b.add('ReduceSum', [out, b.ints(Array.from({ length: extra }, (_, i) => i))], { keepdims: 0 });
  const ones = target.shape.flatMap((dim, i) => (dim === 1 && out.shape[i] !== 1 ? [i] : []));
  if (ones.length > 0) out = b.add('ReduceSum', [out, b.ints(ones)], { keepdims: 1 });
  // if two sizes have different names, it is only known at run time which of them is 1
  const unsure = target.shape.some((dim, i) => typeof dim === 'string' && dim !== out.shape[i]);
  if (!unsure) return out;
  const isOne = b.add('Equal', [b.add('Shape', [target]), b.scalar(1, 'int64')]);
  const axes = b.add('Reshape', [b.add('NonZero', [isOne]), b.ints([-1])]);
  return b.add(
    'Reshape',
    [b.add('ReduceSum', [out, axes], { keepdims: 1, noop_with_empty_axes: 1 }), shapeOf(b, target)],
    { allowzero: 1 },
  );
}
