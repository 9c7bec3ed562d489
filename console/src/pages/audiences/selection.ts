/** The chosen rows of the list. Each checkbox subscribes to the signal, so a choice does not redraw the table. */
import { type ReadonlySignal, signal } from '@preact/signals';

export interface Selection {
  readonly ids: ReadonlySignal<ReadonlySet<string>>;
  set(ids: readonly string[], isChosen: boolean): void;
  /** Sets a row, or with `rows`, the rows from the one that was set last to this one. */
  setTo(id: string, isChosen: boolean, rows: readonly string[] | null): void;
}

export function createSelection(): Selection {
  const ids = signal<ReadonlySet<string>>(new Set());
  let last: string | null = null;
  const set = (changed: readonly string[], isChosen: boolean) => {
    const next = new Set(ids.value);
    for (const id of changed)
      if (isChosen) next.add(id);
      else next.delete(id);
    ids.value = next;
  };
  return {
    ids,
    set,
    setTo(id, isChosen, rows) {
      const [from, to] = [rows?.indexOf(last ?? '') ?? -1, rows?.indexOf(id) ?? -1];
      set(rows === null || from < 0 ? [id] : rows.slice(Math.min(from, to), Math.max(from, to) + 1), isChosen);
      last = id;
    },
  };
}
