/** The requests of each connection that are not answered yet, so that an error of what follows them waits its turn. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../lib/errors.ts';

/** A response, and its request. */
type Exchange = ServerResponse<IncomingMessage>;

export class OpenRequests {
  readonly #bySocket = new WeakMap<Socket, Set<Exchange>>();
  readonly #overrun = new WeakSet<IncomingMessage>();

  /** To be called within the event that brings a request, before anything that waits. */
  add(request: IncomingMessage, response: Exchange): void {
    const { socket } = request;
    const open = this.#bySocket.get(socket) ?? new Set();
    this.#bySocket.set(socket, open.add(response));
    response.once('close', () => open.delete(response));
  }

  /** Responses that a connection still owes, in the order of their requests. */
  of(socket: Socket): readonly Exchange[] {
    return [...(this.#bySocket.get(socket) ?? [])];
  }

  /**
   * Says that what came right behind the body of `request` is no request: its length was declared too short, or it is
   * cut.
   */
  markOverrun(request: IncomingMessage): void {
    this.#overrun.add(request);
  }

  /** Whether that was said of a request with a body: nothing of it may be applied. */
  isOverrun(request: IncomingMessage): boolean {
    return this.#overrun.has(request) && hasBody(request);
  }

  /** @throws AppError invalid_request where `isOverrun` */
  refuseOverrun(request: IncomingMessage): void {
    if (!this.isOverrun(request)) return;
    throw new AppError('invalid_request', 'more follows the body than its declared length: nothing of it was applied');
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
