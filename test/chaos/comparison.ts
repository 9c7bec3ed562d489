/** Compares what was served with what an undisturbed service serves. */
import type { Corruption, Span } from './corruption.ts';
import type { Undisturbed } from './reference.ts';
import { keyOf, type Sighting } from './sighting.ts';

/** A sighting in the end, with its ranking. */
export interface Stored extends Sighting {
  /** Of the ranking's files; null where it was corrupted. */
  readonly digest: string | null;
}

interface Circumstances {
  readonly reference: ReadonlyMap<string, Undisturbed>;
  /** Users who are erased in the end: what was read before has them still. */
  readonly erased: ReadonlySet<string>;
  readonly erasures: readonly Span[];
  readonly hasClockJumped: boolean;
}

/** Byte for byte: the ranking's files, and the rows that are served. The verdict gets the differences. */
export function compareAll(
  sightings: readonly (Sighting | Stored)[],
  given: Circumstances,
  verdict: { audiencesCompared: number; readonly different: string[] },
): void {
  for (const one of sightings) {
    verdict.audiencesCompared += 1;
    const difference = differenceOf(one, given);
    if (difference !== null) verdict.different.push(`${one.name} (${keyOf(one)}): ${difference}`);
  }
}

function differenceOf(one: Sighting | Stored, given: Circumstances): string | null {
  const { reference, erased, erasures, hasClockJumped } = given;
  const expected = reference.get(keyOf(one));
  if (expected === undefined) return 'nothing to compare it with';
  const left = one.lines.filter((line) => !erased.has(JSON.parse(line).user_id));
  const rows = expected.lines.filter((line) => JSON.parse(line).rank <= one.size);
  const isOther = 'digest' in one && one.digest !== null && one.digest !== expected.digest;
  if (!isOther && rows.join('\n') === left.join('\n')) return null;
  if (!erasures.some((span) => hasClockJumped || overlaps(span, one.made)))
    return isOther ? 'another ranking' : 'other rows';
  // who was erased while it was made was a candidate of its model, and is not ranked: the others have better ranks
  const same = expected.lines.slice(0, left.length).map(membership).join() === left.map(membership).join();
  return same ? null : 'other rows, though an erasure came between';
}

function membership(line: string): string {
  const { user_id, score } = JSON.parse(line);
  return JSON.stringify([user_id, score]);
}

function overlaps(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to;
}

/** Whether a segment of the population was corrupted at that time. */
export function isExcused({ segments, hasClockJumped }: Corruption, made: Span): boolean {
  return segments.some((span) => hasClockJumped || overlaps(span, made));
}
