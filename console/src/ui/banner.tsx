/** Shows the error of a form: the service's message, and the request id to quote when asking for help. */
import { ApiError } from '../api/errors.ts';
import { messageOf } from './message.ts';

export function ErrorBanner({ error }: { readonly error: unknown }) {
  const text = messageOf(error);
  return (
    <div class="banner" role="alert">
      {error instanceof ApiError ? <strong>{error.title}</strong> : null}
      <p>{text}</p>
      {error instanceof ApiError ? (
        <p class="small">
          <a href={`/docs/errors/${error.code}`}>What {error.code} means</a>, request {error.requestId}
        </p>
      ) : null}
    </div>
  );
}
