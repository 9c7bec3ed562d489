/** The page's state: what was entered, the two lists, the draft; kept in the tab's session storage. */
import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { call } from '../../api/client.ts';
import type { Caller, CurrentModel, CurrentPopulation } from '../../api/types.ts';
import type { Console } from '../../console.ts';
import { createDraft, type Draft } from './draft.ts';
import { createUserList, type UserList } from './list.ts';
import type { Preview } from './read/layout.ts';
import { sendIds } from './send-ids.ts';
import { NO_VALUES, type Values } from './values.ts';

const STORED_AS = 'metaheac.new-audience';

/** Where a list of people to leave out stands: tried, being sent, or in force. */
export type Keeping =
  | { readonly kind: 'tried' }
  | { readonly kind: 'sending'; readonly share: number }
  | { readonly kind: 'kept' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface NewAudience {
  readonly values: ReadonlySignal<Values>;
  readonly seeds: UserList;
  /** Sending it is a dry run; `keepSuppression` means it. */
  readonly suppression: UserList;
  readonly keeping: ReadonlySignal<Keeping>;
  readonly draft: Draft;
  readonly model: CurrentModel;
  readonly population: CurrentPopulation;
  change(part: Partial<Values>): void;
  keepSuppression(): Promise<void>;
  clearSeeds(): void;
  clearSuppression(): void;
  /** Whether something was entered that leaving would lose. */
  isDirty(): boolean;
  /** Forgets what was entered. */
  forget(): void;
  close(): void;
}

interface Needs {
  readonly console: Console;
  readonly caller: Caller;
  readonly model: CurrentModel;
  readonly population: CurrentPopulation;
}

export function createNewAudience({ console, caller, model, population }: Needs): NewAudience {
  const { api, page } = console;
  const storage = page.sessionStorage;
  const values = signal<Values>(restored(storage));
  const change = (part: Partial<Values>) => {
    values.value = { ...values.peek(), ...part };
  };
  const draft = createDraft({
    ...{ api, caller, id: values.peek().draftId, onId: (draftId) => change({ draftId }) },
    newKey: () => Array.from(page.crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-'),
  });
  const askColumn = (preview: Preview) => bestColumn(console, preview, model.minimum_seeds);
  const seeds = createUserList({ send: draft.sendSeeds, askColumn, kept: values.peek().seeds });
  const suppression = createUserList({ send: draft.trySuppression, askColumn, kept: values.peek().suppression });
  const keeping = signal<Keeping>({ kind: suppression.kept.peek() === null ? 'tried' : 'kept' });
  const ends = [
    effect(() => change({ seeds: seeds.kept.value })),
    effect(() => change({ suppression: keeping.value.kind === 'kept' ? suppression.kept.value : null })),
    // another list is tried first
    effect(() => {
      if (suppression.kept.value === null) keeping.value = { kind: 'tried' };
    }),
    effect(() => store(storage, values.value)),
  ];
  const ignore = () => {};
  return {
    ...{ values, seeds, suppression, keeping, draft, model, population, change },
    keepSuppression: () => keepList(suppression, keeping, draft),
    clearSeeds() {
      seeds.clear();
      change({ pasted: '' });
      draft.dropSeeds().catch(ignore);
    },
    clearSuppression() {
      suppression.clear();
      draft.dropSuppression().catch(ignore);
    },
    isDirty: () => JSON.stringify({ ...values.peek(), draftId: null }) !== JSON.stringify(NO_VALUES),
    forget() {
      values.value = NO_VALUES;
      storage.removeItem(STORED_AS);
    },
    close() {
      for (const end of ends) end();
    },
  };
}

function restored(storage: Storage): Values {
  try {
    return { ...NO_VALUES, ...JSON.parse(storage.getItem(STORED_AS) ?? '{}') };
  } catch {
    return NO_VALUES;
  }
}

/** What does not fit is not kept: it is only there for a reload. */
function store(storage: Storage, values: Values): void {
  try {
    if (values === NO_VALUES) storage.removeItem(STORED_AS);
    else storage.setItem(STORED_AS, JSON.stringify(values));
  } catch {
    storage.removeItem(STORED_AS);
  }
}

/** Columns that the service is asked about. */
const ASKED_COLUMNS = 6;

/** The column of which the service knows most values; null where it knows none of any. */
async function bestColumn({ api }: Console, preview: Preview, minimumSeeds: number): Promise<number | null> {
  let best: number | null = null;
  let most = 0;
  for (let column = 0; column < Math.min(ASKED_COLUMNS, preview.columns.length); column++) {
    const values = new Set(preview.rows.map((row) => row[column]?.trim() ?? '').filter(Boolean));
    // fewer than an audience needs are only counted
    const seeds = [...values].slice(0, minimumSeeds - 1);
    if (seeds.length === 0) continue;
    const { seeds: counts } = await call(api.POST('/v1/estimates', { body: { seeds } }));
    if (counts.known > most) [best, most] = [column, counts.known];
  }
  return best;
}

/** Sends a list that was tried before, and tells how that goes. */
async function keepList(list: UserList, keeping: Signal<Keeping>, draft: Draft): Promise<void> {
  const source = list.source.peek();
  const layout = list.layout.peek();
  if (source === null || layout === null) return;
  keeping.value = { kind: 'sending', share: 0 };
  try {
    await sendIds(source.file, layout, draft.sendSuppression, {
      signal: new AbortController().signal,
      onId: () => {},
      onSent: (share) => {
        keeping.value = { kind: 'sending', share };
      },
    });
    keeping.value = { kind: 'kept' };
  } catch (error) {
    keeping.value = { kind: 'failed', error };
  }
}
