/** The summary of a chaos run of a cluster as lines and as an exit code. */
import type { Summary } from '../summary.ts';

export type ClusterSummary = Pick<
  Summary,
  'seed' | 'seconds' | 'clients' | 'starts' | 'kills' | 'faults' | 'unmet' | 'actions' | 'requests' | 'campaigns'
> &
  Pick<Summary, 'expansions' | 'verdict' | 'errors'>;

/** Maximum number of problems of each kind that are listed. */
const SHOWN = 20;

export function isClusterPassed({ verdict, errors }: Pick<ClusterSummary, 'verdict' | 'errors'>): boolean {
  const { lost, doubled, different, leftOver, audiencesCompared } = verdict;
  return [lost, doubled, different, leftOver, errors].every((faults) => faults.length === 0) && audiencesCompared > 0;
}

export function renderClusterSummary(summary: ClusterSummary): string[] {
  const { verdict, requests, faults, unmet, actions, errors } = summary;
  const { lost, doubled, different, leftOver, audiencesCompared } = verdict;
  const listed = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const struck = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `chaos in a cluster: seed ${summary.seed}, ${summary.seconds} s, kills ${summary.kills}, ` +
      `other faults ${struck - summary.kills}, campaigns ${summary.campaigns}, audiences ${audiencesCompared}, ` +
      `lost ${lost.length}, doubled ${doubled.length}, different ${different.length}, left over ${leftOver.length}`,
    `2 nodes, 3 engines, ${summary.clients} clients, starts of processes ${summary.starts}`,
    `faults met: ${listed(faults)}`,
    `tried and not met: ${listed(unmet) || 'none'}`,
    `acknowledged: ${listed(actions)}; expansions ${summary.expansions}`,
    `requests: acknowledged ${requests.acknowledged}, refused with 503 ${requests.refused}, broken ${requests.broken}`,
    ...Object.entries({ lost, doubled, different, 'left over': leftOver, error: errors }).flatMap(([kind, found]) =>
      found.slice(0, SHOWN).map((fault) => `${kind}: ${fault}`),
    ),
    isClusterPassed(summary)
      ? 'passed'
      : `FAILED: npm run test:chaos -- --cluster --seed ${summary.seed} repeats its choices`,
  ];
}
