/** Whether the cluster keeps its word about erased users. */
import type { Sighting } from '../sighting.ts';
import type { Verdict } from '../verdict.ts';
import type { Erased } from './eraser.ts';

/** What is known of erasures at the end. */
export interface ErasureFacts {
  /** In the order of the erasures. */
  readonly erased: readonly Erased[];
  /** Audiences that are served at the end. */
  readonly served: readonly Pick<Sighting, 'name' | 'lines' | 'made' | 'erased'>[];
  /** What nodes answer about erased users: the status of a look-up. */
  readonly looks: readonly { readonly node: string; readonly user: string; readonly status: number }[];
  /** Lists that held an erased user. */
  readonly lists: readonly { readonly user: string; readonly left: number; readonly expected: number }[];
  /** Where ids of erased users are still stored. */
  readonly traces: readonly string[];
}

export function checkErasures(facts: ErasureFacts, { lost, leftOver }: Pick<Verdict, 'lost' | 'leftOver'>): void {
  const { erased, served, looks, lists, traces } = facts;
  const gone = new Set(erased.map(({ user }) => user));
  for (const { name, lines, made, erased: left } of served) {
    const seen = lines.map((line) => JSON.parse(line).user_id as string).filter((user) => gone.has(user));
    for (const user of seen) lost.push(`${name}: it has ${user}, who was erased`);
    const before = erased.filter(({ span }) => span.to < made.from).length;
    if (left < before) lost.push(`${name}: it was made with ${left} erased users, after ${before} erasures`);
  }
  for (const { node, user, status } of looks)
    if (status !== 404) lost.push(`${node} knows ${user}, who was erased (${status})`);
  for (const { user, left, expected } of lists)
    if (left !== expected) lost.push(`the list that held ${user} has ${left} users, not ${expected}`);
  leftOver.push(...traces);
}
