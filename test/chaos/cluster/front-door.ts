/** The address of the cluster: each call goes to one of the nodes, as through a load balancer. */
import type { Rng } from '../../../src/lib/rng.ts';
import type { Answer } from '../program.ts';
import type { Member } from './member.ts';

const CALL_MS = 30_000;

export class FrontDoor {
  readonly #nodes: readonly Member[];
  readonly #rng: Rng;

  constructor(nodes: readonly Member[], rng: Rng) {
    this.#nodes = nodes;
    this.#rng = rng;
  }

  /** One request to a random node. @throws if the connection breaks */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const { port } = this.#nodes[this.#rng.integer(this.#nodes.length)]!;
    const isText = typeof body === 'string';
    const type = body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...type, ...headers },
      signal: AbortSignal.timeout(CALL_MS),
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json(;|$)/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }
}
