/** Repeats calls until they get a final answer, as a careful client does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Callable, Request } from './member.ts';

/** A client that gets no answer for this long has lost its work. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 100;

export interface Persisted extends Answer {
  /** Attempts that broke off or were refused: each may or may not have been carried out. */
  readonly earlier: number;
}

class Unexpected extends Error {}

/** The counts that clients share. */
export interface CallCounts {
  acknowledged: number;
  refused: number;
  broken: number;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses other than 2xx that are final answers. */
  readonly accept?: readonly number[];
}

/**
 * Makes one call until it has an answer: 503 and broken connections are tried again.
 * @throws Unexpected: another status, or no answer for too long
 */
export async function persist(
  { program, counts }: { readonly program: Callable; readonly counts: CallCounts },
  [method, path, body]: Request,
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

/** Repeats a request that is refused with 503, or that breaks off. Returns the last answer. */
export async function patiently(program: Callable, ...request: Request): Promise<Answer> {
  for (const end = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    const isLast = performance.now() > end;
    const answer = await program.call(...request).catch((error: unknown) => {
      if (isLast) throw error;
      return null;
    });
    if (answer !== null && (answer.status !== 503 || isLast)) return answer;
  }
}
