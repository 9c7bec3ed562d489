/** Compares the audiences that were served with those of an undisturbed service. */
import type { Corruption, Span } from './corruption.ts';
import type { Undisturbed } from './reference.ts';
import { keyOf, type Sighting } from './sighting.ts';

/** A sighting at the end, with its ranking. */
export interface Stored extends Sighting {
  /** The digest of the ranking's files; null if the ranking was corrupted. */
  readonly digest: string | null;
}

interface Circumstances {
  readonly reference: ReadonlyMap<string, Undisturbed>;
  /** Users who have been erased at the end: earlier reads still include them. */
  readonly erased: ReadonlySet<string>;
  readonly erasures: readonly Span[];
  readonly hasClockJumped: boolean;
}

/** Compares the ranking's files and the served rows byte for byte, and adds the differences to the verdict. */
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
  // a user erased while it was made was a candidate of its model and is not ranked: all users below rank one higher
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
