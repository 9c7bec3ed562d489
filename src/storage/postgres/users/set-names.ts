/**
 * Names of the sets of a cluster. Each publication of a set has a name, and thereby a file, of its own: whoever removes
 * the file of a set, however late, never removes the file of an equal set that was published since.
 */
import { randomBytes } from 'node:crypto';

/** Number of hexadecimal digits of the time. */
const TIME_DIGITS = 12;
const RANDOM_BYTES = 8;

/** A new name for a set with this sha256: the sha256, the time of publication, and a random number. */
export function newSetName(sha256: string, now: number): string {
  const time = Math.floor(now).toString(16).padStart(TIME_DIGITS, '0');
  return `${sha256}-${time}-${randomBytes(RANDOM_BYTES).toString('hex')}`;
}

/**
 * When a set was published, in milliseconds since 1970. Sets of a data folder, and of the first versions of clusters,
 * have names without a time: they were published long ago (`-Infinity`).
 */
export function publishedAt(name: string): number {
  const time = name.split('-')[1];
  return time === undefined ? Number.NEGATIVE_INFINITY : Number.parseInt(time, 16);
}
