/** The list of pages with addresses, required scopes and navigation. */
import type { ComponentType } from 'preact';
import type { Scope } from './api/types.ts';
import { Audiences } from './pages/audiences/audiences.tsx';
import { lazy } from './ui/lazy.tsx';

export interface ConsolePage {
  readonly key: string;
  readonly title: string;
  /** Segments of the address; `:id` matches any segment. */
  readonly path: readonly string[];
  /** Minimum scope of a key for this page. The navigation hides the page from other keys. */
  readonly scope: Scope;
  readonly isInNavigation?: boolean;
  readonly view: ComponentType;
}

/** Pages in the order of the navigation. All pages except the first are loaded when they are opened. */
export const PAGES: readonly ConsolePage[] = [
  {
    key: 'audiences',
    title: 'Audiences',
    scope: 'read',
    path: ['audiences'],
    isInNavigation: true,
    view: Audiences,
  },
  {
    key: 'new-audience',
    title: 'New audience',
    scope: 'write',
    path: ['audiences', 'new'],
    view: lazy(async () => (await import('./pages/new-audience/new-audience.tsx')).NewAudience),
  },
  {
    key: 'audience',
    title: 'Audience',
    scope: 'read',
    path: ['audiences', ':id'],
    view: lazy(async () => (await import('./pages/audience/audience.tsx')).Audience),
  },
  {
    key: 'report-results',
    title: 'Report results',
    scope: 'write',
    path: ['audiences', ':id', 'report'],
    view: lazy(async () => (await import('./pages/report-results/report-results.tsx')).ReportResults),
  },
  {
    key: 'suppression',
    title: 'Suppression list',
    scope: 'read',
    path: ['suppression'],
    isInNavigation: true,
    view: lazy(async () => (await import('./pages/suppression/suppression.tsx')).Suppression),
  },
  {
    key: 'populations',
    title: 'Populations',
    scope: 'read',
    path: ['populations'],
    isInNavigation: true,
    view: lazy(async () => (await import('./pages/populations/populations.tsx')).Populations),
  },
  {
    key: 'models',
    title: 'Models',
    scope: 'read',
    path: ['models'],
    isInNavigation: true,
    view: lazy(async () => (await import('./pages/models/models.tsx')).Models),
  },
  {
    key: 'destinations',
    title: 'Destinations',
    scope: 'read',
    path: ['destinations'],
    isInNavigation: true,
    view: lazy(async () => (await import('./pages/destinations/destinations.tsx')).Destinations),
  },
  {
    key: 'audit',
    title: 'Audit log',
    scope: 'admin',
    path: ['audit'],
    isInNavigation: true,
    view: lazy(async () => (await import('./pages/audit/audit.tsx')).Audit),
  },
  {
    key: 'status',
    title: 'Status',
    scope: 'read',
    path: ['status'],
    isInNavigation: true,
    view: lazy(async () => (await import('./pages/status/status.tsx')).Status),
  },
];

/** Returns the page at an address, or null if there is no such page. The empty address is the first page. */
export function pageOf(segments: readonly string[]): ConsolePage | null {
  if (segments.length === 0) return PAGES[0] ?? null;
  const fits = ({ path }: ConsolePage) =>
    path.length === segments.length && path.every((part, i) => part.startsWith(':') || part === segments[i]);
  return PAGES.find(fits) ?? null;
}
