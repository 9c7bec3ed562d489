/** Shows the sign-in form, and then the page at the current address inside the shell. */
import { useEffect } from 'preact/hooks';
import { call } from './api/client.ts';
import { ApiError } from './api/errors.ts';
import { usePolled } from './api/use-polled.ts';
import { useConsole } from './console.ts';
import { PAGES, pageOf } from './pages.ts';
import { hrefOf } from './router.ts';
import { Shell } from './shell.tsx';
import { SignIn } from './sign-in.tsx';
import { ButtonLink } from './ui/button.tsx';
import { Page } from './ui/page.tsx';
import { Empty, Failed, Loading, NoPermission, OfflineBar } from './ui/states.tsx';

export function App() {
  const { session, router } = useConsole();
  const state = session.state.value;
  if (state.kind === 'out') return <SignIn why={state.why} />;
  if (state.kind === 'unknown') return <Entering />;
  const page = pageOf(router.place.value.segments);
  return (
    <Shell pages={PAGES} current={page}>
      {page === null ? (
        <Page title="Page not found">
          <Empty
            title="There is nothing at this address"
            actions={<ButtonLink href={hrefOf(['audiences'])}>Go to audiences</ButtonLink>}
          >
            The link may be out of date or incomplete.
          </Empty>
        </Page>
      ) : session.may(page.scope) ? (
        <page.view key={page.key} />
      ) : (
        <Page title={page.title}>
          <NoPermission scope={page.scope} />
        </Page>
      )}
    </Shell>
  );
}

/** Requests the permissions of the key until the service responds. */
function Entering() {
  const { api, session } = useConsole();
  const { data, error, refresh } = usePolled((signal) => call(api.GET('/v1/keys/current', { signal })), {
    key: 'caller',
    everyMs: () => null,
  });
  const isRefused = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    if (data !== undefined) session.accept(data);
    else if (isRefused) session.end(session.key === null ? null : 'The key is no longer valid.');
  }, [data, isRefused]);
  return (
    <main class="main">
      <OfflineBar />
      {error === undefined || isRefused ? <Loading /> : <Failed error={error} onRetry={refresh} />}
    </main>
  );
}
