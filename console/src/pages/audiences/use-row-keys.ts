/**
 * Keyboard navigation in a list. The keys j, k and the arrows move between rows, x selects a row, and `/` moves to the
 * search. Enter opens the focused link.
 */
import { useEffect } from 'preact/hooks';
import { useConsole } from '../../console.ts';

const STEPS: Readonly<Record<string, number>> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

/** The rows are the links with `data-row`; the search is the input with `data-search`. */
export function useRowKeys(): void {
  const { page } = useConsole();
  useEffect(() => {
    const { document } = page;
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target as Element;
      const isTyping = target.matches('input:not([type=checkbox]), textarea, select, [role=tab]');
      if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector('dialog[open]')) return;
      if (event.key === '/' && !isTyping) {
        event.preventDefault();
        document.querySelector<HTMLElement>('[data-search]')?.focus();
        return;
      }
      if (event.key === 'x' && !isTyping) {
        target.closest('tr')?.querySelector<HTMLElement>('[type=checkbox]')?.click();
        return;
      }
      const step = STEPS[event.key];
      // the down arrow moves from the search into the list
      if (step === undefined || (isTyping && !(event.key === 'ArrowDown' && target.matches('[data-search]')))) return;
      const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
      if (rows.length === 0) return;
      event.preventDefault();
      const at = rows.findIndex((row) => row.closest('tr')?.contains(document.activeElement));
      rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))]?.focus();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [page]);
}
