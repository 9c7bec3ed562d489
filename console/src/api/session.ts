/** The session: a key, which is kept while the browser tab is open, and the permissions of the key. */
import { type ReadonlySignal, signal } from '@preact/signals';
import type { Caller, Scope } from './types.ts';

const STORED_AS = 'metaheac.key';
const SCOPES: readonly Scope[] = ['read', 'write', 'admin'];

/**
 * State of the session: `unknown` until the service has responded, and `out` if the service requires a key and the
 * console has no valid key.
 */
export type SignedIn =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'out'; readonly why: string | null }
  | { readonly kind: 'in'; readonly caller: Caller };

export interface Session {
  readonly state: ReadonlySignal<SignedIn>;
  readonly key: string | null;
  /** Stores a key that the service has not checked yet. */
  use(key: string | null): void;
  accept(caller: Caller): void;
  /** Forgets the key. `why` is shown to the user; it is null if the user signed out. */
  end(why: string | null): void;
  /** Whether the caller has this scope. Actions that need a missing scope are not offered. */
  may(scope: Scope): boolean;
}

export function createSession(storage: Storage): Session {
  const state = signal<SignedIn>({ kind: 'unknown' });
  let key = storage.getItem(STORED_AS);
  return {
    state,
    get key() {
      return key;
    },
    use(given) {
      key = given;
    },
    accept(caller) {
      if (key !== null) storage.setItem(STORED_AS, key);
      state.value = { kind: 'in', caller };
    },
    end(why) {
      key = null;
      // signing out removes unfinished work, but an expired key does not
      if (why === null) storage.clear();
      else storage.removeItem(STORED_AS);
      state.value = { kind: 'out', why };
    },
    may(scope) {
      const { value } = state;
      return value.kind === 'in' && SCOPES.indexOf(value.caller.scope) >= SCOPES.indexOf(scope);
    },
  };
}
