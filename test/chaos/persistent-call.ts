/** Calls that are repeated until they are answered for good, as a careful client's are. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Program } from './program.ts';

/** A client that gets no answer for so long has lost its work. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 100;

/** What an attempt without an answer may have done. */
export interface Persisted extends Answer {
  /** How many attempts broke off: each may have been carried out, or not. */
  readonly broken: number;
}

class Unexpected extends Error {}

/** What clients count together. */
export interface CallCounts {
  acknowledged: number;
  refused: number;
  broken: number;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Asked before each further attempt: true where the attempts that broke off have done it. */
  readonly isDone?: () => Promise<boolean>;
  /** Statuses beside 2xx that are an answer. */
  readonly accept?: readonly number[];
}

/**
 * One call until it has an answer: 503 and a broken connection are tried again.
 * @throws Unexpected: another status, or none for too long
 */
export async function persist(
  { program, counts }: { readonly program: Program; readonly counts: CallCounts },
  [method, path, body]: readonly [method: string, path: string, body?: unknown],
  { headers = {}, isDone, accept = [] }: CallOptions = {},
): Promise<Persisted | null> {
  const end = performance.now() + PATIENCE_MS;
  for (let broken = 0; performance.now() < end; ) {
    const answer = await program.call(method, path, body, headers).catch(() => null);
    if (answer === null) broken += 1;
    if (answer !== null && answer.status !== 503) {
      if (answer.status >= 300 && !accept.includes(answer.status))
        throw new Unexpected(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 400)}`);
      counts.acknowledged += 1;
      return { ...answer, broken };
    }
    counts[answer === null ? 'broken' : 'refused'] += 1;
    await sleep(PAUSE_MS);
    if (answer === null && isDone !== undefined && (await isDone())) return null;
  }
  throw new Unexpected(`${method} ${path}: no answer within ${PATIENCE_MS / 1000} s`);
}
