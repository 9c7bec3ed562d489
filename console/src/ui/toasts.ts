/** Short messages about completed actions. Screen readers announce the messages, which disappear after some seconds. */
import { type ReadonlySignal, signal } from '@preact/signals';

const SHOWN_MS = 6_000;

interface Toast {
  readonly number: number;
  readonly text: string;
  readonly tone: 'good' | 'bad';
}

export interface Toasts {
  readonly list: ReadonlySignal<readonly Toast[]>;
  say(text: string, tone?: Toast['tone']): void;
  dismiss(number: number): void;
}

export function createToasts(page: Window): Toasts {
  const list = signal<readonly Toast[]>([]);
  let last = 0;
  const dismiss = (number: number) => {
    list.value = list.value.filter((toast) => toast.number !== number);
  };
  return {
    list,
    dismiss,
    say(text, tone = 'good') {
      last += 1;
      const number = last;
      list.value = [...list.value, { number, text, tone }];
      page.setTimeout(() => dismiss(number), SHOWN_MS);
    },
  };
}
