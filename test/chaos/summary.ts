/** The summary of a chaos run as lines and as an exit code. */
import type { CallCounts } from './persistent-call.ts';
import type { Verdict } from './verdict.ts';

export interface Summary {
  readonly seed: string;
  readonly seconds: number;
  readonly clients: number;
  /** How often the service was started. */
  readonly starts: number;
  readonly kills: number;
  /** Faults that the service met. */
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that were tried and that it did not meet. */
  readonly unmet: Readonly<Record<string, number>>;
  readonly leftOut: Readonly<Record<string, string>>;
  readonly actions: Readonly<Record<string, number>>;
  readonly requests: CallCounts;
  readonly campaigns: number;
  readonly expansions: number;
  readonly erased: number;
  /** Webhook events that arrived. */
  readonly events: number;
  /** Memory of all processes, in bytes. */
  readonly memory: { readonly atFirst: number; readonly atLast: number };
  readonly verdict: Verdict;
  /** Problems besides the verdict. */
  readonly errors: readonly string[];
}

/** Maximum number of problems of each kind that are listed. */
const SHOWN = 20;

export function isPassed({ verdict, errors }: Summary): boolean {
  const { lost, doubled, different, leftOver, audiencesCompared } = verdict;
  return [lost, doubled, different, leftOver, errors].every((faults) => faults.length === 0) && audiencesCompared > 0;
}

export function renderSummary(summary: Summary): string[] {
  const { verdict, requests, memory } = summary;
  const { lost, doubled, different, leftOver, audiencesCompared } = verdict;
  const listed = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const struck = Object.values(summary.faults).reduce((sum, count) => sum + count, 0);
  return [
    `chaos: seed ${summary.seed}, ${summary.seconds} s, kills ${summary.kills}, other faults ${struck - summary.kills}, ` +
      `campaigns ${summary.campaigns}, audiences ${audiencesCompared}, lost ${lost.length}, doubled ${doubled.length}, ` +
      `different ${different.length}, left over ${leftOver.length}`,
    `${summary.clients} clients, starts of the service ${summary.starts}`,
    `faults met: ${listed(summary.faults)}`,
    `tried and not met: ${listed(summary.unmet) || 'none'}`,
    ...Object.entries(summary.leftOut).map(([name, why]) => `left out: ${name} (${why})`),
    `acknowledged: ${listed(summary.actions)}`,
    `requests: acknowledged ${requests.acknowledged}, refused with 503 ${requests.refused}, broken ${requests.broken}`,
    `expansions ${summary.expansions}, erased users ${summary.erased}, webhook events ${summary.events}`,
    `damaged: versions refused ${verdict.refused}, audiences made again ${verdict.remade}, ` +
      `expansions failed for a damaged population ${verdict.excused}`,
    `memory ${mib(memory.atFirst)} at first, ${mib(memory.atLast)} in the end`,
    ...Object.entries({ lost, doubled, different, 'left over': leftOver, error: summary.errors }).flatMap(
      ([kind, faults]) => faults.slice(0, SHOWN).map((fault) => `${kind}: ${fault}`),
    ),
    isPassed(summary) ? 'passed' : `FAILED: npm run test:chaos -- --seed ${summary.seed} repeats its choices`,
  ];
}
