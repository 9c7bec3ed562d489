/** Data that stays fresh: loaded again at intervals while the page is looked at, and when the service comes back. */
import { useComputed, useSignal } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { useConsole } from '../console.ts';
import { retrySeconds } from './errors.ts';

export interface Polled<T> {
  /** The last that was loaded: it stays while it is loaded again, and when that fails. */
  readonly data: T | undefined;
  /** Why the last attempt failed; undefined once one succeeded. */
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Loads now, as after a change. */
  refresh(): void;
}

interface PollOptions<T> {
  /** Between two loads, by what the last one gave; null: no more. */
  readonly everyMs: number | ((data: T | undefined) => number | null);
  /** What the question depends on, as text: another one drops the data, and loads at once. */
  readonly key: string;
  /** Another question's data stays until its own is there: for a list that is filtered while it is looked at. */
  readonly keepsLast?: boolean;
}

/**
 * Loads with `load` and again every `everyMs`. Hidden tabs load nothing and catch up when they are seen; nothing is
 * asked of a service that cannot be reached, until it is back; one that is busy is asked again when it says.
 */
export function usePolled<T>(
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs, key, keepsLast = false }: PollOptions<T>,
): Polled<T> {
  const { connection, page } = useConsole();
  const state = useSignal<{ key: string; data: T | undefined; error: unknown; isLoading: boolean }>({
    ...{ key, data: undefined, error: undefined, isLoading: true },
  });
  const latest = useRef({ load, everyMs });
  latest.current = { load, everyMs };
  const again = useRef<() => void>(() => {});

  const returns = connection.returns.value;
  // the service's return loads again, and so does another key
  useEffect(() => {
    const { document } = page;
    let timer: number | undefined;
    let running: AbortController | null = null;
    const { key: before, data: last } = state.peek();
    if (before !== key) state.value = { key, data: keepsLast ? last : undefined, error: undefined, isLoading: true };

    const schedule = () => {
      const { everyMs: every } = latest.current;
      const { data, error } = state.peek();
      const busySeconds = retrySeconds(error);
      const delayMs = busySeconds !== null ? 1000 * busySeconds : typeof every === 'number' ? every : every(data);
      page.clearTimeout(timer);
      if (delayMs !== null && !document.hidden && !connection.isOffline.peek()) timer = page.setTimeout(run, delayMs);
    };
    const run = async () => {
      page.clearTimeout(timer);
      running?.abort();
      const mine = new AbortController();
      running = mine;
      state.value = { ...state.peek(), isLoading: true };
      try {
        const data = await latest.current.load(mine.signal);
        if (mine.signal.aborted) return;
        state.value = { key, data, error: undefined, isLoading: false };
      } catch (error) {
        if (mine.signal.aborted) return;
        state.value = { ...state.peek(), error, isLoading: false };
      }
      schedule();
    };
    const onSeen = () => (document.hidden ? page.clearTimeout(timer) : void run());
    again.current = () => void run();
    document.addEventListener('visibilitychange', onSeen);
    void run();
    return () => {
      document.removeEventListener('visibilitychange', onSeen);
      page.clearTimeout(timer);
      running?.abort();
    };
  }, [key, returns]);

  const refresh = useCallback(() => again.current(), []);
  const shown = useComputed(() => state.value).value;
  return { data: shown.data, error: shown.error, isLoading: shown.isLoading, refresh };
}
