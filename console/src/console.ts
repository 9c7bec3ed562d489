/** Objects that all pages share. They are created once and passed down, so modules have no state. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { type Api, createApi } from './api/client.ts';
import { type Connection, createConnection } from './api/connection.ts';
import { createServiceTime, type ServiceTime } from './api/service-time.ts';
import { createSession, type Session } from './api/session.ts';
import { createRouter, type Router } from './router.ts';
import { createTheme, type Theme } from './ui/theme.ts';
import { createToasts, type Toasts } from './ui/toasts.ts';

export interface Console {
  readonly page: Window;
  readonly api: Api;
  readonly session: Session;
  readonly connection: Connection;
  readonly time: ServiceTime;
  readonly router: Router;
  readonly theme: Theme;
  readonly toasts: Toasts;
}

export function createConsole(page: Window): Console {
  const session = createSession(page.sessionStorage);
  const baseUrl = page.location.origin;
  const connection = createConnection(page, async (signal) => (await fetch(`${baseUrl}/livez`, { signal })).ok);
  const time = createServiceTime(page, Date.now);
  return {
    page,
    session,
    connection,
    time,
    api: createApi({ session, connection, time, baseUrl }),
    router: createRouter(page),
    theme: createTheme(page),
    toasts: createToasts(page),
  };
}

export const ConsoleContext = createContext<Console | null>(null);

export function useConsole(): Console {
  const console = useContext(ConsoleContext);
  if (console === null) throw new Error('useConsole was called outside the console');
  return console;
}
