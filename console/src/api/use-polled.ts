/** Polls data while the page is visible, and reloads data when the service comes back. */
import { useComputed, useSignal } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { useConsole } from '../console.ts';
import { retrySeconds } from './errors.ts';

export interface Polled<T> {
  /** The latest data, which is kept during a reload and if a reload fails. */
  readonly data: T | undefined;
  /** The error of the last attempt; undefined after a success. */
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Reloads the data now, for example after a change. */
  refresh(): void;
}

interface PollOptions<T> {
  /** Milliseconds until the next load, or a function that returns them for the latest data. null stops loading. */
  readonly everyMs: number | ((data: T | undefined) => number | null);
  /** Text that identifies the request. If the key changes, the old data is dropped and new data is loaded at once. */
  readonly key: string;
  /**
   * Whether to keep the old data until the data for the new key arrives, for example in a list that is being filtered.
   */
  readonly keepsLast?: boolean;
}

/**
 * Calls `load` now and every `everyMs`. Hidden tabs load nothing, and reload when they are shown. Nothing is requested
 * while the service cannot be reached. If the service is busy, the request is repeated after the delay that the
 * response specifies.
 */
export function usePolled<T>(
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs, key, keepsLast = false }: PollOptions<T>,
): Polled<T> {
  const { connection, page } = useConsole();
  const state = useSignal<{ key: string; data: T | undefined; error: unknown; isLoading: boolean }>({
    key,
    data: undefined,
    error: undefined,
    isLoading: true,
  });
  const latest = useRef({ load, everyMs });
  latest.current = { load, everyMs };
  const again = useRef<() => void>(() => {});

  const returns = connection.returns.value;
  // reload when the service comes back or the user's key changes
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
