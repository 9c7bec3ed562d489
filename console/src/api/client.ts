/** The API client, with the types of paths, parameters and responses from openapi.yaml. */
import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from '../../generated/openapi.d.ts';
import type { Connection } from './connection.ts';
import { ApiError, ForeignAnswerError, isProblem, OfflineError } from './errors.ts';
import type { ServiceTime } from './service-time.ts';
import type { Session } from './session.ts';

export type Api = Client<paths>;

/** The result that openapi-fetch resolves to. */
interface Answered<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

interface ClientDependencies {
  readonly session: Session;
  readonly connection: Connection;
  readonly time: ServiceTime;
  readonly baseUrl: string;
}

/** Sends the key with each call, and updates the session and the connection from each response. */
export function createApi({ session, connection, time, baseUrl }: ClientDependencies): Api {
  const api = createFetchClient<paths>({ baseUrl });
  api.use({
    onRequest({ request }) {
      if (session.key !== null) request.headers.set('authorization', `Bearer ${session.key}`);
      return request;
    },
    onResponse({ response }) {
      connection.reached();
      time.heard(response.headers.get('date'));
      // the key was revoked or has expired while in use
      if (response.status === 401 && session.state.value.kind === 'in') session.end('The key is no longer valid.');
    },
    onError({ error, request }) {
      if (request.signal.aborted) return undefined;
      connection.lost();
      return new OfflineError(error);
    },
  });
  return api;
}

/**
 * Returns the data of a call: `await call(api.GET('/v1/status'))`. If a route also offers text formats, the data is the
 * JSON format.
 * @throws ApiError, OfflineError, ForeignAnswerError
 */
export async function call<T>(pending: Promise<Answered<T>>): Promise<Exclude<T, string>> {
  return (await answerOf(pending)).data as Exclude<T, string>;
}

/** Like `call`, but also returns the response, for callers that need its headers (`ETag`). */
export async function answerOf<T>(pending: Promise<Answered<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await pending;
  if (response.ok) return { data: data as T, response };
  throw isProblem(error) ? new ApiError(error) : new ForeignAnswerError(response.status);
}
