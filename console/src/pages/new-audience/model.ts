/** The page's state: what was entered, the two lists, the draft; kept in the tab's session storage. */
import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { call } from '../../api/client.ts';
import type { Caller, CurrentModel, CurrentPopulation } from '../../api/types.ts';
import type { Console } from '../../console.ts';
import { Draft } from './draft.ts';
import { UserList } from './list.ts';
import type { Preview } from './read/layout.ts';
import { type Send, sendIds } from './send-ids.ts';
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
  const draft = new Draft({
    ...{ api, caller, id: values.peek().draftId, onId: (draftId) => change({ draftId }) },
  });
  const askColumn = (preview: Preview) => bestColumn(console, preview, model.minimum_seeds);
  const seeds = new UserList({ send: draft.sendSeeds, askColumn, kept: values.peek().seeds });
  const suppression = new UserList({ send: draft.trySuppression, askColumn, kept: values.peek().suppression });
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
  // a list that was removed together with its campaign is to be brought again
  draft.exists().then((is) => {
    if (is) return;
    seeds.clear();
    suppression.clear();
  }, ignore);
  return {
    ...{ values, seeds, suppression, keeping, draft, model, population, change },
    keepSuppression: () => keep(suppression, draft.sendSuppression, keeping),
    clearSeeds() {
      seeds.clear();
      change({ pasted: '' });
    },
    isDirty: () => JSON.stringify({ ...values.peek(), draftId: null }) !== JSON.stringify(NO_VALUES),
    forget() {
      values.value = NO_VALUES;
      storage.removeItem(STORED_AS);
    },
    close() {
      seeds.stop();
      suppression.stop();
      for (const end of ends) end();
    },
  };
}

function ignore(): void {}

/** Sends the list that was tried, and then it counts. */
async function keep({ source, layout }: UserList, send: Send, keeping: Signal<Keeping>): Promise<void> {
  const [from, how] = [source.peek(), layout.peek()];
  if (from === null || how === null) return;
  keeping.value = { kind: 'sending', share: 0 };
  try {
    await sendIds(from.file, how, send, {
      signal: new AbortController().signal,
      onId: ignore,
      onSent: (share) => {
        keeping.value = { kind: 'sending', share };
      },
    });
    keeping.value = { kind: 'kept' };
  } catch (error) {
    keeping.value = { kind: 'failed', error };
  }
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
