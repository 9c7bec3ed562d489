/** The series that a page of metrics has, and queries that ask for others. */
import { parseQuery } from './promql.ts';

/** What Prometheus adds to each series that it scrapes, and its own series of a target. */
export const OF_PROMETHEUS = ['job', 'instance'];
const UP = 'up';

/** The label names and values of each metric, from Prometheus' text. */
export type Series = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

export function seriesOf(text: string): Series {
  const series = new Map<string, Map<string, Set<string>>>([[UP, new Map()]]);
  for (const line of text.split('\n')) {
    // a metric that has no series yet
    const declared = /^# TYPE (\w+) (\w+)/.exec(line);
    const [, name = declared?.[1], labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = series.get(name) ?? new Map<string, Set<string>>();
    series.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(value));
  }
  return series;
}

/** The faults of a query, one per line; a metric without series may have any label. */
export function faultsOf(query: string, sent: Series): string[] {
  const { selectors, grouping } = parseQuery(query.replaceAll('$__rate_interval', '5m'));
  const faults = selectors.flatMap(({ metric, matchers }) => {
    const labels = sent.get(metric);
    if (labels === undefined) return [`/metrics has no ${metric}`];
    return matchers
      .filter(([label]) => !OF_PROMETHEUS.includes(label) && labels.size > 0)
      .flatMap(([label, operator, value]) => {
        const values = labels.get(label);
        if (values === undefined) return [`${metric} has no label ${label}`];
        return operator === '=' && !values.has(value) ? [`${metric} has no ${label}="${value}"`] : [];
      });
  });
  const known = new Set([
    ...OF_PROMETHEUS,
    ...selectors.flatMap(({ metric }) => [...(sent.get(metric)?.keys() ?? [])]),
  ]);
  const isOpen = selectors.some(({ metric }) => sent.get(metric)?.size === 0);
  for (const label of grouping)
    if (!known.has(label) && !isOpen) faults.push(`nothing in the query has a label ${label}`);
  return selectors.length === 0 ? [`no series in ${query}`] : faults;
}
