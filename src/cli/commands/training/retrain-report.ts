/** Describes the outcome of a retraining, and the evidence for this outcome. */
import { signedInterval } from '../../../lib/interval.ts';
import type { Comparison } from '../../../training/evaluation/compare-models.ts';

export interface Decision {
  readonly promoted: boolean;
  readonly reason: 'not_worse' | 'worse' | 'unchanged' | 'interrupted';
  readonly serving: { readonly path: string; readonly version: string };
  /** The new model; null if training was interrupted or its result equals the serving model. */
  readonly fresh: { readonly path: string; readonly version: string } | null;
  readonly trained_on: number;
  readonly held_out: number;
  /** Number of held-out campaigns on which the serving model was trained, which gives that model an advantage. */
  readonly known_to_serving: number;
  /** The comparison of the new model with the serving model; null if there was no comparison. */
  readonly comparison: Comparison | null;
}

/** `dataDir` is the data folder of the service whose campaigns were used. */
export function describeDecision(decision: Decision, dataDir: string): string {
  const { serving, fresh, trained_on, held_out, known_to_serving, comparison } = decision;
  const lines = [`trained on ${trained_on} campaigns; the newest ${held_out} are held out`];
  if (known_to_serving > 0)
    lines.push(
      `the serving model was trained on ${known_to_serving} held-out campaigns, which favours the serving model`,
    );
  if (comparison) {
    const { auc, precision } = comparison.difference;
    lines.push(
      `serving ${serving.version}: AUC ${comparison.serving.auc.toFixed(4)}, ` +
        `precision@5% ${comparison.serving.precision.toFixed(3)}`,
      `new     ${fresh!.version}: AUC ${comparison.fresh.auc.toFixed(4)}, ` +
        `precision@5% ${comparison.fresh.precision.toFixed(3)}`,
      `difference between the new and the serving model per campaign [95 % interval]: AUC ${signedInterval(auc, 4)}, ` +
        `precision@5% ${signedInterval(precision['0.05']!, 3)}`,
    );
  }
  return [...lines, ...verdict(decision, dataDir)].join('\n');
}

function verdict({ reason, serving, fresh }: Decision, dataDir: string): string[] {
  switch (reason) {
    case 'not_worse':
      return [
        `promoted: ${fresh!.path} is not worse; a service will serve it after its next restart, or at once after`,
        `  metaheac model promote ${fresh!.path} --data-dir ${dataDir} --url http://127.0.0.1:8080`,
      ];
    case 'worse':
      return [`not promoted: the new model, in ${fresh!.path}, is worse, so ${serving.path} stays current`];
    case 'unchanged':
      return [`not promoted: the new model equals the serving model, ${serving.path}`];
    case 'interrupted':
      return [`not promoted: training was interrupted, so ${serving.path} stays current`];
  }
}
