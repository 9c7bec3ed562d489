/**
 * One task of meta-training the heads. Ten inner steps are unrolled into one graph, and the outer gradient passes
 * through these steps (second order).
 */
import {
  addGradients,
  Builder,
  binaryCrossEntropy,
  type Device,
  descentStep,
  type Graph,
  prune,
  splitFrozen,
  type Value,
} from '../../../packages/onnx-grad/index.ts';
import { copyInput, type MetaProgram, openEpisodeProgram } from './meta-step.ts';

export interface HeadsStepOptions {
  /** Learning rates of the parameters that the inner steps change, by name. */
  readonly rates: Readonly<Record<string, number>>;
  readonly innerSteps: number;
  readonly firstOrder?: boolean;
  readonly device?: Device;
}

/**
 * The inner part takes `innerSteps` full-batch steps of gradient descent on the mean BCE of the support, for the heads
 * alone; the body of the support is computed once. The outer part is the query's BCE with the stepped heads, and the
 * gradient of this BCE with respect to every parameter, through the inner steps and the support's body.
 *
 * Inputs and outputs are those of `buildMetaGraph`.
 */
function buildHeadsGraph(compactGraph: Graph, parameters: readonly string[], options: HeadsStepOptions): Graph {
  const { rates, innerSteps } = options;
  const heads = Object.keys(rates);
  const { body, head, boundary } = splitFrozen(compactGraph, heads);
  const b = new Builder();
  const theta = new Map<string, Value>(parameters.map((name) => [name, copyInput(b, compactGraph, name, '')]));
  const boundaryOf = (side: 'support' | 'query'): ReadonlyMap<string, Value> => {
    const feeds = compactGraph.inputs
      .filter((name) => !theta.has(name))
      .map((name): [string, Value] => [name, copyInput(b, compactGraph, name, `${side}/`)]);
    const given = new Map([...theta, ...feeds]);
    const computed = body
      ? b.inline(body, new Map([...given].filter(([name]) => body.inputs.includes(name))), `${side}/`)
      : given;
    return new Map(boundary.map((name) => [name, computed.get(name) ?? given.get(name)!]));
  };
  const lossOf = (
    values: ReadonlyMap<string, Value>,
    current: ReadonlyMap<string, Value>,
    label: Value,
    prefix: string,
  ): Value =>
    b.named(prefix, () =>
      binaryCrossEntropy(b, b.inline(head, new Map([...values, ...current]), prefix).get(head.outputs[0]!)!, label),
    );

  const query = boundaryOf('query');
  const before = b.build('query', []).nodes.length;
  const support = boundaryOf('support');
  const supportLabel = b.input('support/label', 'float32', ['support/batch']);
  const queryLabel = b.input('query/label', 'float32', ['query/batch']);
  const rate = new Map(heads.map((name) => [name, b.scalar(rates[name]!, 'float32')]));
  let current: ReadonlyMap<string, Value> = new Map(heads.map((name) => [name, theta.get(name)!]));
  for (let step = 0; step < innerSteps; step++) {
    const loss = lossOf(support, current, supportLabel, `inner${step}/`);
    const gradients = addGradients(b, b.build('inner', [loss]), loss, [...current.values()]);
    current = new Map(
      [...current].map(([name, value]) => [
        name,
        b.named(`inner${step}/`, () => descentStep(b, value, gradients.get(value.name)!, rate.get(name)!)),
      ]),
    );
  }
  const after = b.build('inner', []).nodes.length;
  const loss = lossOf(query, current, queryLabel, 'query/');
  const whole = b.build('outer', [loss]);
  // in first order, differentiation ignores the inner steps, and the gradient is taken at the heads' final values
  const seen = options.firstOrder
    ? { ...whole, nodes: [...whole.nodes.slice(0, before), ...whole.nodes.slice(after)] }
    : whole;
  const wanted = [...theta].map(([name, value]) => (options.firstOrder ? (current.get(name) ?? value) : value));
  const outer = addGradients(b, seen, loss, wanted);
  const outputs = wanted.map((value, i) =>
    b.add('Identity', [outer.get(value.name)!], {}, { name: `grad/${parameters[i]}` }),
  );
  return prune(
    b.build('heads_step', [b.add('Identity', [loss], {}, { name: 'loss', outputs: ['query_loss'] }), ...outputs]),
  );
}

export function openHeadsProgram(
  graph: Graph,
  parameters: readonly string[],
  options: HeadsStepOptions,
): Promise<MetaProgram> {
  const build = (compactGraph: Graph) => buildHeadsGraph(compactGraph, parameters, options);
  return openEpisodeProgram(graph, parameters, build, options);
}
