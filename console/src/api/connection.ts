/**
 * Whether the service can be reached. If it cannot, the console asks again at growing intervals until the service
 * answers.
 */
import { type ReadonlySignal, signal } from '@preact/signals';

const FIRST_MS = 500;
const LONGEST_MS = 8_000;
const PROBE_MS = 5_000;

export interface Connection {
  readonly isOffline: ReadonlySignal<boolean>;
  /** Increases each time the service comes back: pages that show its data then reload it. */
  readonly returns: ReadonlySignal<number>;
  /** A call was answered, even if by an error. */
  reached(): void;
  /** A call was not answered. */
  lost(): void;
  /** Asks the service at once, for users who do not want to wait. */
  retry(): void;
}

/** `isAlive` asks the service; it throws or returns false if there is no answer. */
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
