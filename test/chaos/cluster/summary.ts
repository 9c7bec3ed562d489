/** The summary of a chaos run of a cluster as lines and as an exit code. */
import type { Summary } from '../summary.ts';
import type { EventCounts } from './deliveries.ts';
import type { Lag } from './freshness.ts';
import type { ScheduleCounts } from './schedules.ts';

export type ClusterSummary = Pick<
  Summary,
  'seed' | 'seconds' | 'clients' | 'starts' | 'faults' | 'unmet' | 'actions' | 'requests' | 'campaigns'
> &
  Pick<Summary, 'expansions' | 'verdict' | 'errors' | 'erased'> & {
    /** Processes that were killed, by kind. */
    readonly kills: Readonly<Record<string, number>>;
    /** What operators did. */
    readonly operations: Readonly<Record<string, number>>;
    readonly events: EventCounts;
    readonly schedules: ScheduleCounts;
    /** Number of leaders, one after another. */
    readonly leaders: number;
    /** How long undisturbed nodes went on with what was no longer true. */
    readonly lags: readonly Lag[];
    /** Nodes that were too late. */
    readonly late: readonly string[];
  };

/** Maximum number of problems of each kind that are listed. */
const SHOWN = 20;

export function isClusterPassed({
  verdict,
  late,
  errors,
  schedules: { missed, doubled: refreshedTwice },
}: Pick<ClusterSummary, 'verdict' | 'late' | 'errors' | 'schedules'>): boolean {
  const { lost, doubled, different, leftOver, audiencesCompared } = verdict;
  return (
    [lost, doubled, different, leftOver, late, errors, missed, refreshedTwice].every((faults) => faults.length === 0) &&
    audiencesCompared > 0
  );
}

export function renderClusterSummary(summary: ClusterSummary): string[] {
  const { verdict, requests, kills, faults, operations, unmet, actions, lags, late, errors, schedules } = summary;
  const { lost, doubled, different, leftOver, audiencesCompared } = verdict;
  const listed = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
  return [
    `chaos in a cluster: seed ${summary.seed}, ${summary.seconds} s, kills ${sum(kills)}, ` +
      `other faults ${sum(faults)}, operations ${sum(operations)}, campaigns ${summary.campaigns}, audiences ${audiencesCompared}, ` +
      `lost ${lost.length}, doubled ${doubled.length}, different ${different.length}, left over ${leftOver.length}, ` +
      `late ${late.length}`,
    `2 nodes, 3 engines, ${summary.clients} clients, starts of processes ${summary.starts}`,
    `faults met: ${listed({ ...kills, ...faults })}`,
    `operations: ${listed(operations)}`,
    `tried and not met: ${listed(unmet) || 'none'}`,
    `acknowledged: ${listed(actions)}; expansions ${summary.expansions}`,
    `requests: acknowledged ${requests.acknowledged}, refused with 503 ${requests.refused}, broken ${requests.broken}`,
    `erased users ${summary.erased}, leaders ${summary.leaders}, webhook events ${summary.events.events}, deliveries ` +
      `${summary.events.deliveries}, of which repeated ${summary.events.repeated}`,
    `refreshes by schedule ${schedules.refreshes}, missed ${schedules.missed.length}, doubled ` +
      `${schedules.doubled.length}; versions that retention had to remove ${schedules.old}`,
    `nodes followed ${lags.length} changes within ${most(lags.map(({ ms }) => ms))} ms, or ` +
      `${most(lags.map(({ ownMs }) => ownMs))} ms without the time for which they waited for a processor`,
    ...Object.entries({
      ...{ lost, doubled, different, 'left over': leftOver, late, error: errors },
      ...{ 'schedule missed': schedules.missed, 'schedule doubled': schedules.doubled },
    }).flatMap(([kind, found]) => found.slice(0, SHOWN).map((fault) => `${kind}: ${fault}`)),
    isClusterPassed(summary)
      ? 'passed'
      : `FAILED: npm run test:chaos -- --cluster --seed ${summary.seed} repeats its choices`,
  ];
}

function most(values: readonly number[]): number {
  return Math.round(Math.max(0, ...values));
}
