/** Calls that are repeated until they are answered for good, as a careful client's are. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Program } from './program.ts';

/** A client that gets no answer for so long has lost its work. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 100;

export interface Persisted extends Answer {
  /** Attempts that broke off or were refused: each may have been carried out, or not. */
  readonly earlier: number;
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
  { headers = {}, accept = [] }: CallOptions = {},
): Promise<Persisted> {
  const end = performance.now() + PATIENCE_MS;
  for (let earlier = 0; performance.now() < end; earlier++) {
    const answer = await program.call(method, path, body, headers).catch(() => null);
    if (answer !== null && answer.status !== 503) {
      if (answer.status >= 300 && !accept.includes(answer.status))
        throw new Unexpected(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 400)}`);
      counts.acknowledged += 1;
      return { ...answer, earlier };
    }
    counts[answer === null ? 'broken' : 'refused'] += 1;
    await sleep(PAUSE_MS);
  }
  throw new Unexpected(`${method} ${path}: no answer within ${PATIENCE_MS / 1000} s`);
}
