/** State of the page (input, both lists, draft), which is kept in the session storage of the tab. */
import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Caller, CurrentModel, CurrentPopulation } from '../../api/types.ts';
import type { Console } from '../../console.ts';
import { UserList } from '../../lists/list.ts';
import { sendIds } from '../../lists/send-ids.ts';
import { Draft } from './draft.ts';
import { NO_VALUES, partOf, type Values } from './values.ts';

const STORED_AS = 'metaheac.new-audience';

/** State of a list of people to exclude: previewed, being sent, or applied. */
export type Keeping =
  | { readonly kind: 'tried' }
  | { readonly kind: 'sending'; readonly share: number }
  | { readonly kind: 'kept' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface NewAudience {
  readonly values: ReadonlySignal<Values>;
  readonly seeds: UserList;
  /** People who are known not to like what is advertised. */
  readonly negatives: UserList;
  /** List of people to exclude. The list is sent as a dry run until `keepSuppression` applies it. */
  readonly suppression: UserList;
  readonly keeping: ReadonlySignal<Keeping>;
  readonly draft: Draft;
  readonly model: CurrentModel;
  /** The population in use, which may change while the page is open. */
  readonly population: CurrentPopulation;
  follow(population: CurrentPopulation): void;
  /** Whether the population in use has changed since the page was opened. */
  readonly isSwitched: ReadonlySignal<boolean>;
  change(part: Partial<Values>): void;
  keepSuppression(): Promise<void>;
  clearSeeds(): void;
  /**
   * Saves the input to the service, so that a user can continue later.
   * @throws ApiError, OfflineError
   */
  leave(): Promise<void>;
  /** Whether leaving the page would lose input. */
  isDirty(): boolean;
  /** Discards the input. */
  forget(): void;
  close(): void;
}

interface ModelDependencies {
  readonly console: Console;
  readonly caller: Caller;
  readonly model: CurrentModel;
  readonly population: CurrentPopulation;
  /** Values of a draft or a copy; null for a new audience, and for an audience that the tab has stored. */
  readonly begun: Values | null;
}

/** Milliseconds after the last change until the draft is updated. */
const KEEP_MS = 1_000;

export function createNewAudience({ console, caller, model, begun, ...given }: ModelDependencies): NewAudience {
  const { api, page } = console;
  const storage = page.sessionStorage;
  const population = signal(given.population);
  const isSwitched = signal(false);
  const values = signal<Values>(restored(storage, begun));
  // leaving an unchanged copy loses no input, because the copy can be made again
  const untouched = JSON.stringify(begun?.copied ? begun : NO_VALUES);
  const change = (part: Partial<Values>) => {
    values.value = { ...values.peek(), ...part };
  };
  const draft = new Draft({
    api,
    caller,
    id: values.peek().draftId,
    onId: (draftId) => change({ draftId }),
  });
  const { seeds: keptSeeds, negatives: keptNegatives, suppression: keptSuppression } = values.peek();
  const preview = draft.tryWith;
  const seeds = new UserList({ send: draft.sendTo('seeds'), preview, kept: keptSeeds, isOfSeeds: true });
  const negatives = new UserList({ send: draft.sendTo('negatives'), preview, kept: keptNegatives });
  const suppression = new UserList({ send: preview, preview, kept: keptSuppression });
  const keeping = signal<Keeping>({ kind: suppression.kept.peek() === null ? 'tried' : 'kept' });
  const ends = [
    effect(() => change({ seeds: seeds.kept.value, negatives: negatives.kept.value })),
    effect(() => change({ suppression: keeping.value.kind === 'kept' ? suppression.kept.value : null })),
    // a new list is previewed before it applies
    effect(() => {
      if (suppression.kept.value === null) keeping.value = { kind: 'tried' };
    }),
    effect(() => store(storage, values.value)),
    keepDraft(page, values, () => draft.keep(partOf(values.peek(), model, population.peek()))),
  ];
  const lists = [seeds, negatives, suppression];
  clearLost(draft, lists);
  return {
    values,
    seeds,
    negatives,
    suppression,
    keeping,
    draft,
    model,
    isSwitched,
    change,
    get population() {
      return population.value;
    },
    follow(now) {
      if (now.version === population.peek().version) return;
      population.value = now;
      isSwitched.value = true;
      draft.seeds().then((set) => set !== null && seeds.recount(set), ignore);
    },
    keepSuppression: () => keep(suppression, draft.sendTo('suppression'), keeping),
    clearSeeds() {
      seeds.clear();
      change({ pasted: '' });
    },
    leave: () => draft.leave(partOf(values.peek(), model, population.peek())),
    isDirty: () => JSON.stringify({ ...values.peek(), draftId: null }) !== untouched,
    forget() {
      values.value = NO_VALUES;
      storage.removeItem(STORED_AS);
    },
    close() {
      for (const list of lists) list.stop();
      for (const end of ends) end();
    },
  };
}

function ignore(): void {}

/** Resets the lists if the campaign was deleted, because the lists were deleted too and must be sent again. */
function clearLost(draft: Draft, lists: readonly UserList[]): void {
  draft.exists().then((is) => {
    if (!is) for (const list of lists) list.clear();
  }, ignore);
}

/** Sends the previewed list, which applies from then on. */
async function keep(
  { source, layout, query }: UserList,
  send: ReturnType<Draft['sendTo']>,
  keeping: Signal<Keeping>,
): Promise<void> {
  const [from, how] = [source.peek(), layout.peek()];
  if (from === null || how === null) return;
  keeping.value = { kind: 'sending', share: 0 };
  try {
    await sendIds(from.file, how, send(query), {
      signal: new AbortController().signal,
      onUser: ignore,
      onSent: (share) => {
        keeping.value = { kind: 'sending', share };
      },
    });
    keeping.value = { kind: 'kept' };
  } catch (error) {
    keeping.value = { kind: 'failed', error };
  }
}

/**
 * Saves the input to the draft shortly after each change, because the tab may be closed at any time. Errors are shown
 * when the audience is created. Returns a function that stops saving.
 */
function keepDraft(page: Window, values: ReadonlySignal<Values>, keep: () => Promise<void>): () => void {
  let timer: number | undefined;
  const end = effect(() => {
    page.clearTimeout(timer);
    if (values.value.draftId !== null) timer = page.setTimeout(() => keep().catch(ignore), KEEP_MS);
  });
  return () => {
    page.clearTimeout(timer);
    end();
  };
}

/**
 * Returns the values that the tab has stored or, for a draft that the tab has not stored, the values from the service.
 */
function restored(storage: Storage, begun: Values | null): Values {
  try {
    const stored: Values = { ...NO_VALUES, ...JSON.parse(storage.getItem(STORED_AS) ?? '{}') };
    if (begun === null) return stored;
    return begun.copied === null && stored.draftId === begun.draftId ? stored : begun;
  } catch {
    return begun ?? NO_VALUES;
  }
}

/**
 * Stores values for a reload of the page, without typed ids, which may be plain identifiers. Values that do not fit
 * into the storage are dropped.
 */
function store(storage: Storage, values: Values): void {
  try {
    if (values === NO_VALUES) storage.removeItem(STORED_AS);
    else storage.setItem(STORED_AS, JSON.stringify({ ...values, pasted: '' }));
  } catch {
    storage.removeItem(STORED_AS);
  }
}
