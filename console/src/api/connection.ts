/** Detects whether the service can be reached. While it cannot, the console sends requests at growing intervals. */
import { type ReadonlySignal, signal } from '@preact/signals';

const FIRST_MS = 500;
const LONGEST_MS = 8_000;
const PROBE_MS = 5_000;

export interface Connection {
  readonly isOffline: ReadonlySignal<boolean>;
  /** A number that increases each time the service comes back, so that pages reload their data. */
  readonly returns: ReadonlySignal<number>;
  /** Records that a call got a response, which may be an error. */
  reached(): void;
  /** Records that a call got no response. */
  lost(): void;
  /** Sends a request at once, for users who do not want to wait. */
  retry(): void;
}

/** `isAlive` sends a request to the service. It throws or returns false if there is no response. */
export function createConnection(page: Window, isAlive: (signal: AbortSignal) => Promise<boolean>): Connection {
  const isOffline = signal(false);
  const returns = signal(0);
  let delayMs = FIRST_MS;
  let timer: number | undefined;

  const reached = () => {
    if (!isOffline.value) return;
    page.clearTimeout(timer);
    delayMs = FIRST_MS;
    isOffline.value = false;
    returns.value += 1;
  };
  const probe = async () => {
    page.clearTimeout(timer);
    const isBack = await isAlive(AbortSignal.timeout(PROBE_MS)).catch(() => false);
    if (isBack) return reached();
    if (isOffline.value) wait();
  };
  const wait = () => {
    page.clearTimeout(timer);
    timer = page.setTimeout(probe, delayMs);
    delayMs = Math.min(LONGEST_MS, delayMs * 2);
  };
  const retry = () => {
    delayMs = FIRST_MS;
    if (isOffline.value) void probe();
  };
  page.addEventListener('online', retry);
  return {
    isOffline,
    returns,
    reached,
    lost() {
      if (isOffline.value) return;
      isOffline.value = true;
      wait();
    },
    retry,
  };
}
