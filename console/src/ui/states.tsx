/**
 * Messages in place of data: nothing yet, nothing found, an error, no permission. If the service cannot be reached, a
 * bar is shown above the page.
 */
import type { ComponentChildren } from 'preact';
import { ApiError, OfflineError, retrySeconds } from '../api/errors.ts';
import { useConsole } from '../console.ts';
import { Button } from './button.tsx';
import { messageOf } from './message.ts';

interface StateProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** Whether the message reports something that has just happened. */
  readonly isAlert?: boolean;
}

/** A message in place of data, with actions. */
export function Empty({ title, children, actions, isAlert = false }: StateProps) {
  return (
    <div class="state" role={isAlert ? 'alert' : undefined}>
      <h2>{title}</h2>
      {children ? <div class="state-text">{children}</div> : null}
      {actions ? <div class="actions">{actions}</div> : null}
    </div>
  );
}

/** Grey lines in place of data that is loading. The lines appear only if loading takes a while. */
export function Loading({ lines = 6 }: { readonly lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading</span>
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} class="loading-line" />
      ))}
    </div>
  );
}

/** Shows why data could not be loaded, with the service's message and the request id to quote when asking for help. */
export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (error instanceof OfflineError)
    return <Empty title="Waiting for the service">This page will load as soon as the service is back.</Empty>;
  if (error instanceof ApiError && error.status === 403) return <NoPermission>{error.message}</NoPermission>;
  if (retrySeconds(error) !== null)
    return (
      <Empty title="The service is busy" actions={<Button onClick={onRetry}>Try now</Button>}>
        The service is overloaded or still starting. This page tries again automatically.
      </Empty>
    );
  const text = messageOf(error);
  const isApi = error instanceof ApiError;
  return (
    <Empty
      isAlert
      title={isApi ? error.title : 'This could not be loaded'}
      actions={<Button onClick={onRetry}>Try again</Button>}
    >
      <p>{text}</p>
      {isApi ? (
        <p class="muted">
          <a href={`/docs/errors/${error.code}`}>What {error.code} means</a>, request {error.requestId}
        </p>
      ) : null}
    </Empty>
  );
}

/** Shown if the user's key may not open the page. `scope` is the required scope, if known. */
export function NoPermission({ scope, children }: { readonly scope?: string; readonly children?: ComponentChildren }) {
  return (
    <Empty title="You do not have access to this page">
      {children ?? `This page needs a key with the scope “${scope ?? 'admin'}”.`}
      <p>Ask whoever runs the service for such a key.</p>
    </Empty>
  );
}

/** A bar above every page while the service cannot be reached. */
export function OfflineBar() {
  const { connection } = useConsole();
  if (!connection.isOffline.value) return null;
  return (
    <div class="offline" role="alert">
      <span>The service cannot be reached. What you see may be out of date. The page reconnects automatically.</span>
      <Button onClick={connection.retry}>Try now</Button>
    </div>
  );
}
