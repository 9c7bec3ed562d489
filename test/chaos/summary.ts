/** The summary of a chaos run as lines and as an exit code. */
import type { CallCounts } from './persistent-call.ts';
import type { Verdict } from './verdict.ts';

export type Counts = Readonly<Record<string, number>>;

export interface Summary {
  readonly isOfCluster: boolean;
  readonly seed: string;
  readonly seconds: number;
  readonly clients: number;
  /** How often processes were started. */
  readonly starts: number;
  /** Kills, other faults, and operations that took effect, by name. */
  readonly kills: Counts;
  readonly faults: Counts;
  readonly operations: Counts;
  /** Those that were tried and had no effect. */
  readonly unmet: Counts;
  /** Faults that cannot be injected here, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
  readonly actions: Counts;
  readonly requests: CallCounts;
  readonly campaigns: number;
  readonly expansions: number;
  readonly erased: number;
  readonly verdict: Verdict;
  /** Problems besides the verdict. */
  readonly errors: readonly string[];
  /** What else is known, one line each. */
  readonly notes: readonly string[];
}

/** Maximum number of problems of each kind that are listed. */
const SHOWN = 20;

export function isPassed({ verdict, errors }: Summary): boolean {
  const { lost, doubled, different, leftOver, late, audiencesCompared } = verdict;
  return [lost, doubled, different, leftOver, late, errors].every((all) => all.length === 0) && audiencesCompared > 0;
}

export function renderSummary(summary: Summary): string[] {
  const { isOfCluster, seed, verdict, requests, kills, faults, operations } = summary;
  const { lost, doubled, different, leftOver, late, audiencesCompared } = verdict;
  const listed = (counts: Counts) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const sum = (counts: Counts) => Object.values(counts).reduce((a, b) => a + b, 0);
  return [
    `chaos${isOfCluster ? ' in a cluster' : ''}: seed ${seed}, ${summary.seconds} s, kills ${sum(kills)}, ` +
      `other faults ${sum(faults)}, operations ${sum(operations)}, campaigns ${summary.campaigns}, ` +
      `audiences ${audiencesCompared}, lost ${lost.length}, doubled ${doubled.length}, ` +
      `different ${different.length}, left over ${leftOver.length}, late ${late.length}`,
    `${summary.clients} clients, starts of processes ${summary.starts}`,
    `faults met: ${listed({ ...kills, ...faults })}`,
    `operations: ${listed(operations)}`,
    `tried and not met: ${listed(summary.unmet)}`,
    ...Object.entries(summary.leftOut).map(([name, why]) => `left out: ${name} (${why})`),
    `acknowledged: ${listed(summary.actions)}; expansions ${summary.expansions}, erased users ${summary.erased}`,
    `requests: acknowledged ${requests.acknowledged}, refused with 503 ${requests.refused}, broken ${requests.broken}`,
    ...summary.notes,
    ...Object.entries({ lost, doubled, different, 'left over': leftOver, late, error: summary.errors }).flatMap(
      ([kind, all]) => all.slice(0, SHOWN).map((problem) => `${kind}: ${problem}`),
    ),
    isPassed(summary)
      ? 'passed'
      : `FAILED: npm run test:chaos -- ${isOfCluster ? '--cluster ' : ''}--seed ${seed} repeats its choices`,
  ];
}
