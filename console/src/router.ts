/** The current place in the console: the part of the address after `#`, as a path and a query. */
import { type ReadonlySignal, signal } from '@preact/signals';

export interface Place {
  /** Path without slashes at either end, such as `audiences/0193...`. */
  readonly segments: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  /** All values of a query parameter that may be repeated. */
  all(name: string): readonly string[];
}

export interface Router {
  readonly place: ReadonlySignal<Place>;
  /** Goes to an address from `hrefOf`. With `replace`, the back button skips the current address. */
  go(href: string, how?: { readonly replace?: boolean }): void;
  /**
   * Sets the function that is called before another place is shown. If the function returns false, the user stays.
   * There is one function at a time, and null removes it.
   */
  guard(mayGo: ((href: string) => boolean) | null): void;
}

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Returns the address of a page of the console, without empty query parameters. A list repeats its parameter. */
export function hrefOf(segments: readonly string[], query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : (value ?? [])).filter(Boolean).map((each) => [name, each]),
  );
  const text = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  return `#/${segments.map(encodeURIComponent).join('/')}${text}`;
}

/** Returns the place for the hash of an address. Parts that cannot be decoded are used unchanged. */
function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const params = new URLSearchParams(query);
  return {
    segments: path.split('/').filter(Boolean).map(decoded),
    query: Object.fromEntries(params),
    all: (name) => params.getAll(name),
  };
}

export function createRouter(page: Window): Router {
  const place = signal(placeOf(page.location.hash));
  let shown = page.location.hash;
  let mayGo: ((href: string) => boolean) | null = null;
  page.addEventListener('hashchange', () => {
    const { hash } = page.location;
    if (hash !== shown && mayGo !== null && !mayGo(hash)) {
      page.history.pushState(null, '', shown);
      return;
    }
    shown = hash;
    place.value = placeOf(hash);
  });
  return {
    place,
    go(href, { replace = false } = {}) {
      if (!replace) page.location.hash = href;
      else {
        page.history.replaceState(null, '', href);
        shown = page.location.hash;
        place.value = placeOf(href);
      }
    },
    guard(asked) {
      mayGo = asked;
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
