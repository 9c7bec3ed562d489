/** Parses PromQL with Prometheus' own grammar to find the series that a query reads. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  readonly metric: string;
  /** Label, operator and value of each matcher. */
  readonly matchers: readonly (readonly [string, string, string])[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** Labels of `by (..)`, `without (..)` and the like. */
  readonly grouping: readonly string[];
}

/** @throws Error with the place where the query is not PromQL. */
export function parseQuery(text: string): Query {
  const selectors: { metric: string; matchers: [string, string, string][] }[] = [];
  const grouping: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from, to, node }) => {
      const word = text.slice(from, to);
      if (type.isError) throw new Error(`not PromQL at ${from}: ${text}`);
      if (type.name === 'VectorSelector') selectors.push({ metric: '', matchers: [] });
      else if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') selectors.at(-1)!.metric = word;
      else if (type.name === 'UnquotedLabelMatcher') {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*["'](.*)["']$/.exec(word) ?? [];
        selectors.at(-1)!.matchers.push([label, operator, value]);
      } else if (type.name === 'LabelName' && node.parent?.name === 'GroupingLabels') grouping.push(word);
    },
  });
  return { selectors, grouping };
}
