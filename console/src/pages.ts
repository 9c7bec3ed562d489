/** The pages: which address shows which, what its key must be able to do, and what stands in the navigation. */
import type { ComponentType } from 'preact';
import type { Scope } from './api/types.ts';
import { Audiences } from './pages/audiences/audiences.tsx';
import { lazy } from './ui/lazy.tsx';

export interface ConsolePage {
  readonly key: string;
  readonly title: string;
  /** Segments of its address; `:id` stands for any one. */
  readonly path: readonly string[];
  /** The least scope of a key that can use it: others are not offered it. */
  readonly scope: Scope;
  readonly isInNavigation: boolean;
  readonly view: ComponentType;
}

/** In the order of the navigation. */
export const PAGES: readonly ConsolePage[] = [
  {
    ...{ key: 'audiences', title: 'Audiences', path: ['audiences'], scope: 'read' as const },
    ...{ isInNavigation: true, view: Audiences },
  },
  {
    ...{ key: 'new-audience', title: 'New audience', path: ['audiences', 'new'], scope: 'write' as const },
    ...{
      isInNavigation: false,
      view: lazy(() => import('./pages/new-audience/new-audience.tsx').then(({ NewAudience }) => NewAudience)),
    },
  },
  {
    ...{ key: 'audience', title: 'Audience', path: ['audiences', ':id'], scope: 'read' as const },
    ...{
      isInNavigation: false,
      view: lazy(() => import('./pages/audience/audience.tsx').then(({ Audience }) => Audience)),
    },
  },
  {
    ...{ key: 'populations', title: 'Populations', path: ['populations'], scope: 'read' as const },
    ...{
      isInNavigation: true,
      view: lazy(() => import('./pages/populations/populations.tsx').then(({ Populations }) => Populations)),
    },
  },
  {
    ...{ key: 'models', title: 'Models', path: ['models'], scope: 'read' as const },
    ...{
      isInNavigation: true,
      view: lazy(() => import('./pages/models/models.tsx').then(({ Models }) => Models)),
    },
  },
  {
    ...{ key: 'status', title: 'Status', path: ['status'], scope: 'read' as const },
    ...{
      isInNavigation: true,
      view: lazy(() => import('./pages/status/status.tsx').then(({ Status }) => Status)),
    },
  },
];

/** The page of an address; null where there is none. The empty address is the first page. */
export function pageOf(segments: readonly string[]): ConsolePage | null {
  if (segments.length === 0) return PAGES[0] ?? null;
  const fits = ({ path }: ConsolePage) =>
    path.length === segments.length && path.every((part, i) => part.startsWith(':') || part === segments[i]);
  return PAGES.find(fits) ?? null;
}
