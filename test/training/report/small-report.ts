/** A report of made-up campaigns: methods of known strength, summarised as in an evaluation. */
import { createRng } from '../../../src/lib/rng.ts';
import { type Manifest, manifestSchema } from '../../../src/model/manifest.ts';
import type { Trial } from '../../../src/training/choices/trial.ts';
import { binBySeeds, CURVE_SHARES, curveOf, meanOf } from '../../../src/training/evaluation/curves.ts';
import type { EvaluationReport } from '../../../src/training/evaluation/evaluate.ts';
import { measureRanking } from '../../../src/training/evaluation/metrics.ts';
import { subtract, summarise, type TrialQuality } from '../../../src/training/evaluation/summary.ts';

export interface SmallReport {
  readonly campaigns?: number;
  readonly rows?: number;
  /** How far a method's scores of members are above others', by its name. */
  readonly methods?: Readonly<Record<string, number>>;
  readonly dataset?: string;
  readonly withoutGroups?: boolean;
}

const METHODS = { metaheac: 1.5, logistic_regression: 1.4, centroid: 0.8, random: 0 };

export function smallReport(options: SmallReport = {}): EvaluationReport {
  const { campaigns = 8, rows = 1000, methods = METHODS, dataset = 'made up' } = options;
  const rng = createRng('small report');
  const trials = Array.from({ length: campaigns }, (_, i): Trial => {
    const labels = Uint8Array.from({ length: rows }, (_, row) => (row % 10 === 0 ? 1 : 0));
    return {
      id: `campaign ${i}`,
      features: {},
      group: options.withoutGroups ? null : i % 2 === 0 ? 'small' : 'large',
      seeds: new Int32Array(i % 2 === 0 ? 12 + i : 150 + i),
      evaluation: { users: Int32Array.from(labels.keys()), labels },
    };
  });
  const tried = new Map(
    Object.entries(methods).map(([name, strength]) => {
      const draws = rng.fork(name);
      const qualities = trials.map((trial): TrialQuality => {
        const { users, labels } = trial.evaluation;
        const scores = Float64Array.from(labels, (label) => draws.normal() + label * strength);
        return { trial, repeats: [measureRanking(users, scores, labels, CURVE_SHARES)] };
      });
      return [name, qualities] as const;
    }),
  );
  const own = tried.get('metaheac')!;
  const summaries = Object.fromEntries([...tried].map(([name, all]) => [name, summarise(all, rng.fork(name))]));
  const others = [...tried].filter(([name]) => name !== 'metaheac');
  return {
    dataset,
    model: 'small 0123456789ab',
    repeats: 1,
    seed: 7,
    methods: summaries,
    groups: summaries['metaheac']!,
    differences: Object.fromEntries(others.map(([name, all]) => [name, subtract(own, all, rng.fork(name))])),
    curves: Object.fromEntries([...tried].map(([name, all]) => [name, curveOf(all, rng.fork(name))])),
    by_seeds: binBySeeds(tried, rng.fork('seeds')),
    campaigns: trials.map(({ id, group, seeds }, i) => ({
      id,
      group,
      seeds: seeds.length,
      rows,
      members: rows / 10,
      auc: Object.fromEntries([...tried].map(([name, all]) => [name, meanOf(all[i]!.repeats, ({ auc }) => auc)])),
    })),
    seconds_per_campaign: 0.123,
    seconds: { metaheac: 4.56 },
    logistic_regression_strength: 0.1,
    chosen: { logistic_regression: { setting: { strength: 0.1 }, tried: [], campaigns: 0 } },
    skipped_campaigns: [{ id: 'campaign 99', reason: 'the campaign has no seeds' }],
  };
}

export function smallManifest(name = 'small'): Manifest {
  return manifestSchema.parse({
    contract_version: 1,
    name,
    version: '0123456789ab',
    created: '2026-01-02T03:04:05.678Z',
    files: {},
    features: { user: [{ name: 'age', kind: 'single', vocabulary_size: 3 }], campaign: [] },
    adapted_parameters: 'all',
    adaptation: {
      optimiser: 'adam',
      rate: 0.003,
      epochs: 5,
      batch: 512,
      negatives_per_seed: 10,
      resample_negatives: true,
      early_stopping: null,
    },
    evaluation: null,
    training: { recipe: 'published', steps: 60, heads: { innerSteps: 10 } },
    golden_batch: { inputs: {}, scores: [0.5] },
  });
}

/** Throws if XML elements are not closed in order. */
export function checkWellFormed(xml: string): void {
  const open: string[] = [];
  for (const [tag, closing, name, rest] of xml.matchAll(/<(\/?)([a-zA-Z][\w:]*)((?:"[^"]*"|[^">])*)>/g)) {
    if (closing) {
      const last = open.pop();
      if (last !== name) throw new Error(`</${name}> closes <${last}>`);
    } else if (!rest!.endsWith('/')) open.push(name!);
    if (/&(?!(?:amp|lt|gt|quot|#\d+);)/.test(tag)) throw new Error(`a bare & in ${tag}`);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is not closed`);
}
