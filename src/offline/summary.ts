/** Per-campaign qualities summed up by group: means over campaigns with their bootstrap intervals. */
import type { Rng } from '../lib/rng.ts';
import type { EvaluationGroup } from '../model/manifest.ts';
import { bootstrapMean } from './bootstrap.ts';
import type { RankingQuality } from './metrics.ts';
import type { Trial } from './trial.ts';

export type GroupName = 'small' | 'large' | 'all';
/** A group without campaigns is left out. */
export type Summary = Readonly<Partial<Record<GroupName, EvaluationGroup>>>;

/** One campaign's mean quality over repeats. */
export interface TrialQuality {
  readonly trial: Trial;
  readonly repeats: readonly RankingQuality[];
}

export function summarise(qualities: readonly TrialQuality[], rng: Rng): Summary {
  const groups: Record<GroupName, readonly TrialQuality[]> = {
    small: qualities.filter(({ trial }) => trial.group === 'small'),
    large: qualities.filter(({ trial }) => trial.group === 'large'),
    all: qualities,
  };
  return Object.fromEntries(
    Object.entries(groups)
      .filter(([, members]) => members.length > 0)
      .map(([name, members]) => [name, summariseGroup(members, rng.fork(name))]),
  );
}

function summariseGroup(members: readonly TrialQuality[], rng: Rng): EvaluationGroup {
  const interval = (what: string, of: (quality: RankingQuality) => number) =>
    bootstrapMean(
      members.map(({ repeats }) => repeats.reduce((sum, quality) => sum + of(quality), 0) / repeats.length),
      rng.fork(what),
    );
  const shares = members[0]!.repeats[0]!.top.map(({ share }) => share);
  const byShare = (what: 'precision' | 'recall' | 'lift') =>
    Object.fromEntries(
      shares.map((share, i) => [String(share), interval(`${what}/${share}`, (quality) => quality.top[i]![what])]),
    );
  return {
    campaigns: members.length,
    auc: interval('auc', (quality) => quality.auc),
    precision: byShare('precision'),
    recall: byShare('recall'),
    lift: byShare('lift'),
  };
}
