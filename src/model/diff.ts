/** The differences between two models: manifest, vocabularies, parameters, ops. */
import { type Graph, sameShape, type Tensor, typeText } from '../../packages/onnx-grad/index.ts';
import { type ModelFolder, readModelFolder } from './folder.ts';
import { countOps } from './import/import-model.ts';
import { SIDES } from './interface.ts';
import type { Manifest } from './manifest.ts';
import { readFolderGraph } from './model-graph.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * A manifest field, identified by its path (`adaptation.rate`); the value is undefined for a model without the field.
 */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface VocabularyChange {
  readonly feature: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Tokens that are in both vocabularies, with different ids. */
  readonly renumbered: number;
}

export interface ParameterChange {
  readonly name: string;
  readonly type: string;
  /** Absolute differences of the elements; NaN if an element is NaN in only one of the two tensors. */
  readonly largest: number;
  readonly mean: number;
}

export interface ModelDiff {
  readonly fields: readonly FieldChange[];
  /** Differences of vocabularies, by `user.<feature>` and `campaign.<feature>`. */
  readonly features: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly vocabularies: readonly VocabularyChange[];
  readonly parameters: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly reshaped: readonly { readonly name: string; readonly before: string; readonly after: string }[];
    /** Parameters with the same shape and different values; largest difference first. */
    readonly changed: readonly ParameterChange[];
    readonly equal: number;
  };
  /** Ops whose number of nodes differs between the two models. */
  readonly ops: readonly { readonly op: string; readonly before: number; readonly after: number }[];
}

/** Manifest fields to leave out: `features` is compared separately, and `files` and `golden_batch` are generated. */
const OTHER_FIELDS: ReadonlySet<string> = new Set(['files', 'features', 'golden_batch']);

/** Compares two model folders and verifies their checksums. @throws AppError invalid_model */
export function diffModels(before: string, after: string): ModelDiff {
  const [a, b] = [readModelFolder(before), readModelFolder(after)];
  const [from, to] = [readFolderGraph(a), readFolderGraph(b)];
  const keys = (folder: ModelFolder) => [...folder.vocabularies.keys()];
  return {
    fields: [...changedFields(a.manifest, b.manifest), ...changedFeatures(a.manifest, b.manifest)],
    features: { added: without(keys(b), keys(a)), removed: without(keys(a), keys(b)) },
    vocabularies: keys(a)
      .filter((key) => b.vocabularies.has(key))
      .map((key) => diffVocabularies(key, a.vocabularies.get(key)!, b.vocabularies.get(key)!))
      .filter(({ added, removed, renumbered }) => added.length + removed.length + renumbered > 0),
    parameters: diffParameters(from, to),
    ops: diffOps(from, to),
  };
}

function changedFields(before: Manifest, after: Manifest): FieldChange[] {
  const from = new Map(Object.entries(before).flatMap(([key, value]) => flatten(key, value)));
  const to = new Map(Object.entries(after).flatMap(([key, value]) => flatten(key, value)));
  return [...new Set([...from.keys(), ...to.keys()])]
    .filter((field) => !OTHER_FIELDS.has(field.split('.')[0]!))
    .filter((field) => JSON.stringify(from.get(field)) !== JSON.stringify(to.get(field)))
    .map((field) => ({ field, before: from.get(field), after: to.get(field) }));
}

/** The leaves of an object, by path; a list counts as a leaf. */
function flatten(path: string, value: unknown): [string, unknown][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(`${path}.${key}`, inner));
}

/** Differences in the kind and length of features that both models have. */
function changedFeatures(before: Manifest, after: Manifest): FieldChange[] {
  return SIDES.flatMap((side) =>
    before.features[side].flatMap((feature) => {
      const other = after.features[side].find(({ name }) => name === feature.name);
      if (!other) return [];
      const old: Record<string, unknown> = { ...feature };
      const now: Record<string, unknown> = { ...other };
      return [...new Set([...Object.keys(old), ...Object.keys(now)])]
        .filter((key) => old[key] !== now[key])
        .map((key) => ({ field: `features.${side}.${feature.name}.${key}`, before: old[key], after: now[key] }));
    }),
  );
}

function diffVocabularies(feature: string, before: Vocabulary, after: Vocabulary): VocabularyChange {
  let renumbered = 0;
  for (const [i, token] of before.tokens.entries()) {
    const id = after.find(token);
    if (id !== 0 && id !== i + 1) renumbered += 1;
  }
  return {
    feature,
    added: after.tokens.filter((token) => before.find(token) === 0),
    removed: before.tokens.filter((token) => after.find(token) === 0),
    renumbered,
  };
}

function diffParameters(before: Graph, after: Graph): ModelDiff['parameters'] {
  const [from, to] = [[...before.initializers.keys()], [...after.initializers.keys()]];
  const reshaped: { name: string; before: string; after: string }[] = [];
  const changed: ParameterChange[] = [];
  let equal = 0;
  for (const [name, a] of before.initializers) {
    const b = after.initializers.get(name);
    if (!b) continue;
    if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape))
      reshaped.push({ name, before: typeText(a), after: typeText(b) });
    else {
      const difference = differenceOf(a, b);
      if (difference.largest === 0) equal += 1;
      else changed.push({ name, type: typeText(a), ...difference });
    }
  }
  // parameters that cannot be compared (NaN) come first
  const order = ({ largest }: ParameterChange) => (Number.isNaN(largest) ? Number.POSITIVE_INFINITY : largest);
  changed.sort((a, b) => order(b) - order(a) || (a.name < b.name ? -1 : 1));
  return { added: without(to, from), removed: without(from, to), reshaped, changed, equal };
}

/** Largest and mean absolute difference of two tensors of the same type. */
export function differenceOf(a: Tensor, b: Tensor): { largest: number; mean: number } {
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [Number(a.data[i]), Number(b.data[i])];
    // two equal infinities or two NaNs do not count as a difference
    const difference = Object.is(x, y) || x === y ? 0 : Math.abs(x - y);
    if (Number.isNaN(difference) || difference > largest) largest = difference;
    sum += difference;
  }
  return { largest, mean: a.data.length === 0 ? 0 : sum / a.data.length };
}

function diffOps(before: Graph, after: Graph): ModelDiff['ops'] {
  const [from, to] = [countOps(before), countOps(after)];
  return [...new Set([...from.keys(), ...to.keys()])]
    .sort()
    .map((op) => ({ op, before: from.get(op) ?? 0, after: to.get(op) ?? 0 }))
    .filter((each) => each.before !== each.after);
}

function without(names: readonly string[], others: readonly string[]): string[] {
  const taken = new Set(others);
  return names.filter((name) => !taken.has(name));
}
