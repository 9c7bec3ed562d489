/** Members of an audience version by rank. Pages are loaded when they come into view, and the latest pages are kept. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { useConsole } from '../../console.ts';

const PAGE = 200;
/** Maximum number of pages that are kept, which contain 20,000 members. */
const KEPT_PAGES = 100;

export interface Member {
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
}

export interface LoadedMembers {
  /** Returns the member at a 1-based rank, undefined until the member is loaded, or null if the user was erased. */
  at(rank: number): Member | null | undefined;
  /** The error of the last request for a page; undefined after a success. */
  readonly error: unknown;
  retry(): void;
}

interface Wanted {
  readonly id: string;
  readonly version: number;
  /** 0-based indexes of the rows in view. */
  readonly from: number;
  readonly to: number;
}

/** Loads one page at a time, so pages that the user scrolled past are not loaded before the page in view. */
export function useMembers({ id, version, from, to }: Wanted): LoadedMembers {
  const { api, connection } = useConsole();
  const [pages] = useState(() => new Map<number, ReadonlyMap<number, Member>>());
  const [, setLoads] = useState(0);
  const [error, setError] = useState<unknown>();
  const view = useRef({ from, to });
  view.current = { from, to };
  const running = useRef<AbortController | null>(null);

  const load = async () => {
    if (running.current !== null) return;
    const mine = new AbortController();
    running.current = mine;
    try {
      for (;;) {
        const page = firstMissing(pages, view.current);
        if (page === null) break;
        const query = { limit: PAGE, after_rank: page * PAGE };
        const params = { path: { id, version }, query };
        const { signal } = mine;
        const { items } = await call(api.GET('/v1/campaigns/{id}/audiences/{version}', { params, signal }));
        keep(pages, page, items);
        setLoads((loads) => loads + 1);
        setError(undefined);
      }
    } catch (cause) {
      if (!mine.signal.aborted) setError(cause);
    } finally {
      if (running.current === mine) running.current = null;
    }
  };
  const returns = connection.returns.value;
  // other rows came into view, or the service came back
  useEffect(() => void load(), [from, to, returns]);
  useEffect(() => () => running.current?.abort(), []);
  return {
    at: (rank) => {
      const page = pages.get(Math.floor((rank - 1) / PAGE));
      return page === undefined ? undefined : (page.get(rank) ?? null);
    },
    error,
    retry: () => void load(),
  };
}

function firstMissing(pages: ReadonlyMap<number, unknown>, { from, to }: Pick<Wanted, 'from' | 'to'>): number | null {
  for (let page = Math.floor(from / PAGE); page * PAGE < to; page++) if (!pages.has(page)) return page;
  return null;
}

/** Removes the page that was loaded first if too many pages are kept. */
function keep(pages: Map<number, ReadonlyMap<number, Member>>, page: number, items: readonly Member[]): void {
  pages.set(page, new Map(items.map((member) => [member.rank, member])));
  const [oldest] = pages.keys();
  if (pages.size > KEPT_PAGES && oldest !== undefined) pages.delete(oldest);
}
