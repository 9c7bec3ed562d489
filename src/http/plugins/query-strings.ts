/** Parses query strings. Requests with the same text share the result, so it is parsed and validated once. */
import { type ParsedUrlQuery, parse } from 'node:querystring';

/** Number of query strings that are remembered. */
const MAXIMUM_REMEMBERED = 64;

/** Creates a parser. Its results are frozen. */
export function createQueryParser(): (text: string) => Readonly<ParsedUrlQuery> {
  const remembered = new Map<string, Readonly<ParsedUrlQuery>>();
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const query = Object.freeze(parse(text, '&', '=', { maxKeys: 0 }));
    if (remembered.size >= MAXIMUM_REMEMBERED) remembered.clear();
    remembered.set(text, query);
    return query;
  };
}
