/**
 * The theme, light or dark. The setting of the system applies until the user chooses; the choice is stored in the
 * browser.
 */
import { type ReadonlySignal, signal } from '@preact/signals';

const STORED_AS = 'metaheac.theme';

export type ThemeName = 'light' | 'dark';

export interface Theme {
  readonly name: ReadonlySignal<ThemeName>;
  toggle(): void;
}

export function createTheme(page: Window): Theme {
  const system = page.matchMedia('(prefers-color-scheme: dark)');
  const stored = page.localStorage.getItem(STORED_AS);
  const chosen = signal<ThemeName | null>(stored === 'light' || stored === 'dark' ? stored : null);
  const name = signal<ThemeName>('light');
  const apply = () => {
    name.value = chosen.value ?? (system.matches ? 'dark' : 'light');
    page.document.documentElement.dataset['theme'] = name.value;
  };
  system.addEventListener('change', apply);
  apply();
  return {
    name,
    toggle() {
      chosen.value = name.value === 'dark' ? 'light' : 'dark';
      page.localStorage.setItem(STORED_AS, chosen.value);
      apply();
    },
  };
}
