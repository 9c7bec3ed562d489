/**
 * Builds graphs node by node. Each call infers the types of the outputs with the op's shape rule, names the node and
 * returns the outputs.
 */

import { GraphError } from '../errors.ts';
import type { OpAttributes, OpType } from '../ops/attributes.ts';
import { KNOWN_ELEMENTS, requireFitting } from '../ops/dims.ts';
import { requireArity } from '../ops/helpers.ts';
import { OPS } from '../ops/table.ts';
import type { GradientOverride, Graph, Node, Value } from './ir.ts';
import type { NodeBuilder, NodeOptions } from './node-builder.ts';
import { neededNodes } from './prune.ts';
import {
  type DataType,
  type Dim,
  isFloat,
  type Shape,
  sameShape,
  type Tensor,
  type TensorType,
  tensor,
  typeText,
} from './tensor.ts';
import { keyOf, valueOfTensor } from './tensor-values.ts';
import { UniqueNames } from './unique-names.ts';

/** A graph under construction. A name that is already in use, or a value from another graph, causes a GraphError. */
export class Builder implements NodeBuilder {
  private readonly nodes: Node[] = [];
  private readonly values = new Map<string, Value>();
  private readonly inputs: string[] = [];
  private readonly initializers = new Map<string, Tensor>();
  private readonly constants = new Map<string, Tensor>();
  private readonly overrides = new Map<string, readonly GradientOverride[]>();
  private readonly reserved = new Set<string>();
  private readonly nodeNames = new Set<string>();
  private readonly names = new UniqueNames();
  private readonly sharedConstants = new Map<string, Value>();
  private freshDims = 0;
  private prefix = '';

  /** Returns a builder that starts with all nodes, names and values of `graph`. */
  static from(graph: Graph): Builder {
    const b = new Builder();
    for (const name of graph.inputs) b.inputs.push(name);
    for (const [name, value] of graph.initializers) b.initializers.set(name, value);
    for (const [name, value] of graph.constants) b.constants.set(name, value);
    for (const node of graph.nodes) {
      b.nodes.push(node);
      b.nodeNames.add(node.name);
    }
    for (const [name, value] of graph.values) {
      b.values.set(name, value);
      for (const dim of value.shape) if (typeof dim === 'string') b.keepClearOf(dim);
    }
    for (const [name, list] of graph.overrides) b.overrides.set(name, list);
    return b;
  }

  /** Returns the value called `name`. An unknown name causes a GraphError. */
  get(name: string): Value {
    const value = this.values.get(name);
    if (!value) throw new GraphError(`no value is called "${name}"`);
    return value;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** Reserves names for later values and nodes. Generated names avoid reserved names. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.reserved.add(name);
  }

  /**
   * Adds an input. `known` contains the input's elements if the caller knows them for certain, for example sizes that
   * another graph computed.
   */
  input(name: string, dtype: DataType, shape: Shape, known?: readonly Dim[]): Value {
    for (const dim of [...shape, ...(known ?? [])]) if (typeof dim === 'string') this.keepClearOf(dim);
    const value = this.enter({ name, dtype, shape: [...shape], ...(known ? { known } : {}) });
    this.inputs.push(name);
    return value;
  }

  initializer(name: string, data: Tensor): Value {
    const value = this.enter(valueOfTensor(name, data));
    this.initializers.set(name, data);
    return value;
  }

  /** Adds a constant with exactly this name. This method is used when reading files. */
  namedConstant(name: string, data: Tensor): Value {
    const value = this.enter(valueOfTensor(name, data));
    this.constants.set(name, data);
    const key = keyOf(data);
    if (key !== null && !this.sharedConstants.has(key)) this.sharedConstants.set(key, value);
    return value;
  }

  constant(data: Tensor, name = 'constant'): Value {
    const key = keyOf(data);
    const shared = key === null ? undefined : this.sharedConstants.get(key);
    return shared ?? this.namedConstant(this.uniqueValueName(name), data);
  }

  constantOf(value: Value): Tensor | undefined {
    return this.constants.get(value.name) ?? (isFloat(value.dtype) ? undefined : this.initializers.get(value.name));
  }

  scalar(value: number, like: DataType | TensorType): Value {
    const dtype = typeof like === 'string' ? like : like.dtype;
    return this.constant(tensor(dtype, [], [value]), `constant_${String(value).replace(/[^\w.]/g, '_')}`);
  }

  ints(values: readonly number[]): Value {
    return this.constant(tensor('int64', [values.length], values), `ints_${values.join('_') || 'empty'}`);
  }

  add<K extends OpType>(
    op: K,
    inputs: readonly (Value | null)[],
    ...rest: Record<never, never> extends OpAttributes[K]
      ? [attributes?: OpAttributes[K], options?: NodeOptions]
      : [attributes: OpAttributes[K], options?: NodeOptions]
  ): Value {
    return this.addAll(op, inputs, rest[0] ?? ({} as OpAttributes[K]), rest[1])[0]!;
  }

  addAll<K extends OpType>(
    op: K,
    inputs: readonly (Value | null)[],
    attributes: OpAttributes[K],
    options: NodeOptions = {},
  ): readonly Value[] {
    const spec = OPS[op];
    const name = this.uniqueNodeName(`${this.prefix}${op}`, options.name);
    const where = `${op} node "${name}"`;
    requireArity(inputs, spec.arity, where);
    for (const input of inputs) {
      if (input !== null && this.values.get(input.name) !== input)
        throw new GraphError(`${where} uses "${input.name}", which does not belong to this graph`);
    }
    let inferred: ReturnType<typeof spec.infer>;
    try {
      inferred = spec.infer({ inputs, attributes, freshDim: () => this.freshDim() });
      inferred.forEach(requireFitting);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      const types = inputs.map((input) => (input === null ? 'nothing' : `${input.name}: ${typeText(input)}`));
      throw new GraphError(`${where}(${types.join(', ')}): ${error.message}`, { cause: error });
    }
    const outputs = inferred.map((type, i) => {
      const output = options.outputs?.[i] || this.uniqueValueName(i === 0 ? name : `${name}_${i}`);
      const known = type.known && type.known.length <= KNOWN_ELEMENTS ? { known: type.known } : {};
      return this.enter({ name: output, dtype: type.dtype, shape: type.shape, ...known });
    });
    this.nodes.push({
      op,
      name,
      inputs: inputs.map((input) => input?.name ?? ''),
      outputs: outputs.map((output) => output.name),
      attributes,
    });
    this.nodeNames.add(name);
    return outputs;
  }

  /** Runs `build`, and prefixes the names of the nodes that `build` adds with `prefix`, such as `<node>_grad/`. */
  named<T>(prefix: string, build: () => T): T {
    const before = this.prefix;
    this.prefix = prefix;
    try {
      return build();
    } finally {
      this.prefix = before;
    }
  }

  /** Sets hand-written gradients for `output` (see `GradientOverride`). */
  override(output: Value, gradients: readonly { readonly input: Value; readonly gradient: Value }[]): void {
    for (const { input, gradient } of gradients) {
      if (output.shape.length !== 0 && !sameShape(output.shape, input.shape))
        throw new GraphError(
          `an overridden value must be a scalar or have the shape of "${input.name}", ${typeText(input)}, but ` +
            `"${output.name}" is ${typeText(output)}`,
        );
      if (!sameShape(gradient.shape, input.shape))
        throw new GraphError(
          `the gradient "${gradient.name}" is ${typeText(gradient)}, but its input "${input.name}" is ` +
            `${typeText(input)}`,
        );
    }
    this.overrides.set(
      output.name,
      gradients.map(({ input, gradient }) => ({ input: input.name, gradient: gradient.name })),
    );
  }

  /**
   * Copies the nodes of `graph` into the graph under construction, with `prefix` added to their names. `values`
   * contains replacements for values of `graph`, by name, and must include all inputs. Initializers and constants
   * without a replacement are copied. Returns the new value for each name in `graph`.
   */
  inline(graph: Graph, values: ReadonlyMap<string, Value>, prefix: string): ReadonlyMap<string, Value> {
    const mapped = new Map(values);
    for (const name of graph.inputs)
      if (!mapped.has(name)) throw new GraphError(`inline: input "${name}" has no value`);
    const reachable = neededNodes(graph);
    for (const [name, data] of graph.initializers)
      if (!mapped.has(name)) mapped.set(name, this.has(name) ? this.get(name) : this.initializer(name, data));
    for (const [name, data] of graph.constants) if (!mapped.has(name)) mapped.set(name, this.constant(data, name));
    for (const node of graph.nodes) {
      if (!reachable.has(node) || node.outputs.every((output) => mapped.has(output))) continue;
      const inputs = node.inputs.map((input) => (input === '' ? null : mapped.get(input)!));
      const outputs = this.addAll(node.op, inputs, node.attributes, { name: `${prefix}${node.name}` });
      node.outputs.forEach((output, i) => {
        if (!mapped.has(output)) mapped.set(output, outputs[i]!);
      });
    }
    for (const [output, list] of graph.overrides) {
      const target = mapped.get(output);
      // overrides of a replaced value are not copied, because the replacement keeps its own overrides
      if (target && !values.has(output))
        this.overrides.set(
          target.name,
          list.map(({ input, gradient }) => ({ input: mapped.get(input)!.name, gradient: mapped.get(gradient)!.name })),
        );
    }
    return mapped;
  }

  /**
   * Returns the graph built so far, with `outputs` as its outputs. The graph still contains nodes that no output needs;
   * `prune` removes them.
   */
  build(name: string, outputs: readonly Value[]): Graph {
    return {
      name,
      inputs: [...this.inputs],
      outputs: outputs.map((output) => this.get(output.name).name),
      initializers: new Map(this.initializers),
      constants: new Map(this.constants),
      nodes: [...this.nodes],
      values: new Map(this.values),
      overrides: new Map(this.overrides),
    };
  }

  private enter(value: Value): Value {
    if (value.name === '') throw new GraphError('a value has an empty name');
    if (this.values.has(value.name)) throw new GraphError(`two values are called "${value.name}"`);
    this.values.set(value.name, value);
    return value;
  }

  private freshDim(): string {
    return `d${this.freshDims++}`;
  }

  private keepClearOf(dim: string): void {
    const number = /^d(\d+)$/.exec(dim)?.[1];
    if (number !== undefined) this.freshDims = Math.max(this.freshDims, Number(number) + 1);
  }

  private uniqueNodeName(base: string, given?: string): string {
    if (given !== undefined) return this.names.give(given, (name) => this.nodeNames.has(name));
    return this.names.give(base, (name) => this.nodeNames.has(name) || this.reserved.has(name));
  }

  private uniqueValueName(base: string): string {
    return this.names.give(base, (name) => this.values.has(name) || this.reserved.has(name));
  }
}
