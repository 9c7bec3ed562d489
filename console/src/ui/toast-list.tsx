/** Shows the current messages. This file is separate from `toasts.ts`, which `console.ts` needs. */
import { useConsole } from '../console.ts';

export function ToastList() {
  const { toasts } = useConsole();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.list.value.map(({ number, text, tone }) => (
        <div key={number} class={`toast toast-${tone}`}>
          <span>{text}</span>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => toasts.dismiss(number)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
