/** The address of the cluster: each call goes to one of the nodes, as through a load balancer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Answer } from '../program.ts';
import type { Member } from './member.ts';

const CALL_MS = 30_000;
/** A cluster that nothing disturbs answers every request within this time, also on an overloaded machine. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 200;

/** A request of the API: method, path, body, headers. */
type Request = readonly [string, string, unknown?, Readonly<Record<string, string>>?];

export class FrontDoor {
  readonly #nodes: readonly Member[];
  readonly #key: string;
  readonly #rng: Rng;

  constructor(nodes: readonly Member[], key: string, rng: Rng) {
    this.#nodes = nodes;
    this.#key = key;
    this.#rng = rng;
  }

  /** One request to a random node. @throws if the connection breaks */
  call(...request: Request): Promise<Answer> {
    return this.at(this.#nodes[this.#rng.integer(this.#nodes.length)]!, ...request);
  }

  /** One request to this node. @throws if the connection breaks */
  async at({ url }: Pick<Member, 'url'>, ...[method, path, body, headers = {}]: Request): Promise<Answer> {
    const isText = typeof body === 'string';
    const type = body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' };
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, ...type, ...headers },
      signal: AbortSignal.timeout(CALL_MS),
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json(;|$)/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }
}

/** Repeats a request that is refused with 503, or that breaks off. Returns the last answer. */
export async function patiently(request: () => Promise<Answer>): Promise<Answer> {
  for (const end = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    const isLast = performance.now() > end;
    const answer = await request().catch((error: unknown) => {
      if (isLast) throw error;
      return null;
    });
    if (answer !== null && (answer.status !== 503 || isLast)) return answer;
  }
}
