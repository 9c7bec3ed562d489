/** The frame around every page, with navigation, signed-in user, theme and messages. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useConsole } from './console.ts';
import type { ConsolePage } from './pages.ts';
import { hrefOf } from './router.ts';
import { OfflineBar } from './ui/states.tsx';
import { ToastList } from './ui/toast-list.tsx';

interface ShellProps {
  readonly pages: readonly ConsolePage[];
  readonly current: ConsolePage | null;
  readonly children: ComponentChildren;
}

export function Shell({ pages, current, children }: ShellProps) {
  const { session } = useConsole();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const key = current?.key;
  // after navigation by keyboard, the page gets the focus
  useEffect(() => {
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [key]);
  const offered = pages.filter(({ isInNavigation, scope }) => isInNavigation && session.may(scope));
  return (
    <div class="shell">
      <button type="button" class="skip button" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="side">
        <a class="brand" href={hrefOf(['audiences'])}>
          <img src="/console/icon.svg" alt="" />
          metaheac
        </a>
        <nav aria-label="Pages">
          <ul class="nav">
            {offered.map((page) => (
              <li key={page.key}>
                <a
                  href={hrefOf(page.path)}
                  aria-current={page === current ? 'page' : page.path[0] === current?.path[0] ? 'true' : undefined}
                >
                  {page.title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <Foot />
      </header>
      <main ref={main} class="main" tabIndex={-1}>
        <OfflineBar />
        {children}
      </main>
      <ToastList />
    </div>
  );
}

function Foot() {
  const { session, theme } = useConsole();
  const state = session.state.value;
  const caller = state.kind === 'in' ? state.caller : null;
  return (
    <div class="side-foot">
      {session.key !== null && caller !== null ? (
        <div class="who">
          {caller.key?.name ?? 'Operator'}, {caller.scope}
        </div>
      ) : null}
      <a href="/docs">API reference</a>
      <button type="button" onClick={theme.toggle}>
        {theme.name.value === 'dark' ? 'Light theme' : 'Dark theme'}
      </button>
      {session.key !== null ? (
        <button type="button" onClick={() => session.end(null)}>
          Sign out
        </button>
      ) : null}
    </div>
  );
}
