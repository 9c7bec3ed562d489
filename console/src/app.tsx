/** The way in, and then the page of the address inside the shell. */
import { useEffect } from 'preact/hooks';
import { call } from './api/client.ts';
import { ApiError } from './api/errors.ts';
import { useConsole } from './console.ts';
import { PAGES, pageOf } from './pages.ts';
import { hrefOf } from './router.ts';
import { Shell } from './shell.tsx';
import { SignIn } from './sign-in.tsx';
import { ButtonLink } from './ui/button.tsx';
import { Page } from './ui/page.tsx';
import { Empty, Loading, NoPermission, OfflineBar } from './ui/states.tsx';

export function App() {
  const { api, session, connection, router } = useConsole();
  const state = session.state.value;
  const returns = connection.returns.value;
  // asked again when the service is back
  useEffect(() => {
    if (session.state.peek().kind !== 'unknown') return;
    call(api.GET('/v1/keys/current')).then(session.accept, (error: unknown) => {
      if (error instanceof ApiError) session.end(session.key === null ? null : 'The key is no longer valid.');
    });
  }, [api, session, returns]);

  if (state.kind === 'out') return <SignIn why={state.why} />;
  if (state.kind === 'unknown')
    return (
      <main class="main">
        <OfflineBar />
        <Loading />
      </main>
    );
  const page = pageOf(router.place.value.segments);
  return (
    <Shell pages={PAGES} current={page}>
      {page === null ? (
        <Page title="There is no such page">
          <Empty
            title="Nothing is here"
            actions={<ButtonLink href={hrefOf(['audiences'])}>To the audiences</ButtonLink>}
          >
            The address may be old, or not complete.
          </Empty>
        </Page>
      ) : session.may(page.scope) ? (
        <page.view key={page.key} />
      ) : (
        <Page title={page.title}>
          <NoPermission />
        </Page>
      )}
    </Shell>
  );
}
