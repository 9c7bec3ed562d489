/** MetaHeac's formulas written out in plain TypeScript and float64, user by user. */

import { type Feeds, numbersOf } from '../../../packages/onnx-grad/index.ts';
import type { MetaHeacFeature } from '../../../src/model/architectures/feature-inputs.ts';
import type { MetaHeacConfig } from '../../../src/model/architectures/metaheac.ts';

/** Parameters by name, row-major. */
export type PlainParameters = ReadonlyMap<string, readonly number[]>;

type Vector = number[];

const sum = (vectors: readonly Vector[], width: number): Vector =>
  Array.from({ length: width }, (_, j) => vectors.reduce((total, vector) => total + vector[j]!, 0));
const relu = (vector: Vector): Vector => vector.map((x) => Math.max(x, 0));
const softmax = (vector: Vector): Vector => {
  const powers = vector.map(Math.exp);
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / total);
};

/** The scores by section 4 of the paper; with heads, also by the additional terms in README.md. */
export function referenceScores(parameters: PlainParameters, config: MetaHeacConfig, feeds: Feeds): number[] {
  const { embedding: k, experts: n, critics: m, hidden } = config;
  const [h1, h2] = hidden;
  const numbers = (name: string): readonly number[] => parameters.get(name)!;
  /** Rows `from` .. of a weight `[out, in]` times `x`, plus the bias. */
  const layer = (name: string, from: number, outputs: number, x: Vector): Vector => {
    const weight = numbers(`${name}.weight`);
    const bias = numbers(`${name}.bias`);
    return Array.from({ length: outputs }, (_, i) =>
      x.reduce((total, value, j) => total + weight[(from + i) * x.length + j]! * value, bias[from + i]!),
    );
  };
  const embed = (side: 'user' | 'campaign', feature: MetaHeacFeature, row: number): Vector => {
    const name = `${side}.${feature.name}`;
    if (feature.kind === 'vector') {
      const weight = numbers(`${name}.weight`);
      return sum(
        standardOf(side, feature, row).map((z, i) => weight.slice(i * k, (i + 1) * k).map((w) => z * w)),
        k,
      );
    }
    const table = numbers(`${name}.embedding`);
    if (feature.kind === 'number') {
      const band = bandOf(feature, numbersOf(feeds[name]!)[row]!);
      const [z] = standardOf(side, feature, row);
      return numbers(`${name}.direction`).map((d, j) => table[band * k + j]! + z! * d);
    }
    const vector = (id: number): Vector => table.slice(id * k, (id + 1) * k);
    const ids = numbersOf(feeds[name]!);
    if (feature.kind === 'single') return vector(ids[row]!);
    const length = numbersOf(feeds[`${name}.length`]!)[row]!;
    const from = row * feature.maxLength!;
    const total = sum(ids.slice(from, from + length).map(vector), k);
    const divisor = side === 'user' && config.pooling === 'root' ? Math.sqrt(length) : length;
    return length === 0 ? total : total.map((x) => x / divisor);
  };
  /** The numbers of a row in standard deviations, at most 4 of them; 0 where missing. */
  const standardOf = (side: 'user' | 'campaign', { name, scale }: MetaHeacFeature, row: number): number[] => {
    const { means, deviations } = scale!;
    const own = numbersOf(feeds[`${side}.${name}`]!).slice(row * means.length, (row + 1) * means.length);
    return own.map((x, i) => (Number.isNaN(x) ? 0 : Math.max(-4, Math.min(4, (x - means[i]!) / deviations[i]!))));
  };
  const bandOf = ({ scale }: MetaHeacFeature, x: number): number => {
    const { edges } = scale!;
    return Number.isNaN(x) ? edges.length + 2 : 1 + edges.filter((edge) => edge <= x).length;
  };
  /**
   * s . tokens + phi . (q + q_c) + bias + r . tokens / sqrt(n): what the heads add to each critic's logit before it is
   * scaled.
   */
  const shift = (row: number): number => {
    if (!config.heads) return 0;
    const { latent } = config.heads;
    let total = numbers('heads.bias')[0]!;
    const query = [...numbers('heads.query')];
    const width = query.length;
    for (const feature of config.campaign) {
      const name = `latent.campaign.${feature.name}`;
      const weighted = weightedRows('campaign', feature, 0);
      const length = feature.kind === 'multi' ? weighted.length : 1;
      for (const [id, weight] of weighted) {
        const isNumber = feature.kind === 'vector' || (feature.kind === 'number' && id === feature.rows - 1);
        const table = feature.kind === 'vector' ? 'weight' : isNumber ? 'direction' : 'embedding';
        const own = feature.kind === 'number' && isNumber ? 0 : id;
        for (let j = 0; j < width; j++) query[j]! += (weight * numbers(`${name}.${table}`)[own * width + j]!) / length;
      }
    }
    let offset = 0;
    let fitted = 0;
    let squares = 0;
    let projected = latent;
    for (const feature of config.user) {
      for (const [id, weight] of weightedRows('user', feature, row)) {
        // id 0 of a single value means unknown
        if (feature.kind === 'single' && id === 0) continue;
        const at = offset + id;
        const own = feature.kind === 'vector' ? weight / Math.sqrt(feature.rows) : weight;
        fitted += own * numbers('heads.regression')[at]!;
        squares += own ** 2;
        if (feature.kind === 'vector') {
          const map = numbers(`latent.user.${feature.name}`);
          const size = map.length / feature.rows;
          for (let j = 0; j < size; j++) total += weight * map[id * size + j]! * query[projected + j]!;
          continue;
        }
        total += weight * numbers('heads.wide')[at]!;
        for (let j = 0; j < latent; j++) total += weight * numbers('latent.tokens')[at * latent + j]! * query[j]!;
      }
      if (feature.kind === 'vector') projected += numbers(`latent.user.${feature.name}`).length / feature.rows;
      offset += feature.rows;
    }
    return total + fitted / Math.sqrt(Math.max(squares, 1));
  };
  /** Rows of a feature's table with their weights: for a number its band, and itself in the last row. */
  const weightedRows = (side: 'user' | 'campaign', feature: MetaHeacFeature, row: number): [number, number][] => {
    if (feature.kind === 'vector') return standardOf(side, feature, row).map((z, i) => [i, z]);
    if (feature.kind !== 'number') return tokensOf(side, feature, row).map((id) => [id, 1]);
    const band = bandOf(feature, numbersOf(feeds[`${side}.${feature.name}`]!)[row]!);
    return [
      [band, 1],
      [feature.rows - 1, standardOf(side, feature, row)[0]!],
    ];
  };
  const tokensOf = (side: 'user' | 'campaign', feature: MetaHeacFeature, row: number): number[] => {
    const name = `${side}.${feature.name}`;
    const ids = numbersOf(feeds[name]!);
    if (feature.kind === 'single') return [ids[row]!];
    const from = row * feature.maxLength!;
    return ids.slice(from, from + numbersOf(feeds[`${name}.length`]!)[row]!);
  };
  const rows = feeds[`user.${config.user[0]!.name}`]!.shape[0]!;
  return Array.from({ length: rows }, (_, row) => {
    const user = config.user.map((feature) => embed('user', feature, row));
    const campaign = config.campaign.flatMap((feature) => embed('campaign', feature, 0));
    const context = [...sum(user, k).map((x) => x / user.length), ...campaign];
    const gate = (name: string, outputs: number): Vector =>
      softmax(layer(`${name}.1`, 0, outputs, relu(layer(`${name}.0`, 0, h2, context))));
    const expertWeights = gate('gate.experts', n);
    const criticWeights = gate('gate.critics', m);
    const experts = expertWeights.map((weight, i) => {
      const first = relu(layer('experts.0', i * h1, h1, user.flat()));
      return relu(layer('experts.1', i * h2, h2, first)).map((x) => weight * x);
    });
    const logits = layer('critics', 0, m, sum(experts, h2));
    const added = shift(row);
    const scale = config.heads ? numbers('heads.scale')[0]! : 1;
    return logits.reduce((total, logit, j) => total + criticWeights[j]! / (1 + Math.exp(-scale * (logit + added))), 0);
  });
}
