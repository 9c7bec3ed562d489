/**
 * Tracks the pending requests of each connection, because these requests must be answered before an error in later data
 * is answered.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../../lib/errors.ts';

/** A response and its request. */
type Exchange = ServerResponse<IncomingMessage>;

export class OpenRequests {
  /** The exchanges of each open connection. A finished response is released at once, because its body may be large. */
  readonly #bySocket = new Map<Socket, Exchange[]>();
  readonly #overrun = new WeakSet<IncomingMessage>();

  /** Must be called in the event that delivers a request, before anything asynchronous. */
  add(request: IncomingMessage, response: Exchange): void {
    const { socket } = request;
    const open = this.#bySocket.get(socket) ?? this.#follow(socket);
    open.push(response);
    response.once('close', () => open.splice(open.indexOf(response), 1));
  }

  /**
   * This function is separate from `add`, because a listener keeps all variables of its enclosing function in memory.
   */
  #follow(socket: Socket): Exchange[] {
    const open: Exchange[] = [];
    this.#bySocket.set(socket, open);
    socket.once('close', () => this.#bySocket.delete(socket));
    return open;
  }

  /** Returns the pending responses of a connection, in the order of their requests. */
  of(socket: Socket): readonly Exchange[] {
    return (this.#bySocket.get(socket) ?? []).filter(isOpen);
  }

  /** Returns the pending responses of all connections. */
  all(): readonly Exchange[] {
    return [...this.#bySocket.values()].flat().filter(isOpen);
  }

  /**
   * Records that the data after the body of `request` is not a valid request, because the declared length of the body
   * was too short or the data is truncated.
   */
  markOverrun(request: IncomingMessage): void {
    this.#overrun.add(request);
  }

  /** Whether `markOverrun` was called for a request with a body. If it was, the body must not be applied. */
  isOverrun(request: IncomingMessage): boolean {
    return this.#overrun.has(request) && hasBody(request);
  }

  /** @throws AppError invalid_request if `isOverrun` */
  refuseOverrun(request: IncomingMessage): void {
    if (!this.isOverrun(request)) return;
    throw new AppError('invalid_request', 'the body is longer than its declared length: it was not applied');
  }
}

function isOpen({ closed }: Exchange): boolean {
  return !closed;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
