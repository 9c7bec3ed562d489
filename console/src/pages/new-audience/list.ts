/** A list of users on its way to the service: chosen, previewed, read and sent piece by piece, and what came of it. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { guessLayout, HEAD_BYTES, isSure, type Layout, type Preview, previewOf } from './read/layout.ts';
import { UnreadableError } from './read/records.ts';
import { Sample } from './read/sample.ts';
import { type Report, type Send, sendIds } from './send-ids.ts';

export interface Source {
  readonly name: string;
  readonly file: Blob;
  /** Typed or pasted: it has no preview. */
  readonly isText: boolean;
}

export type ListState =
  | { readonly kind: 'empty' }
  /** The column is to be chosen first. */
  | { readonly kind: 'asks' }
  | { readonly kind: 'sending'; readonly share: number; readonly report: Report | null }
  | { readonly kind: 'done'; readonly report: Report }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What outlives a reload of the page: the file itself does not. */
export interface KeptList {
  readonly name: string;
  readonly report: Report;
  readonly sample: readonly string[];
  readonly isWhole: boolean;
}

export interface UserList {
  readonly source: ReadonlySignal<Source | null>;
  readonly layout: ReadonlySignal<Layout | null>;
  readonly preview: ReadonlySignal<Preview | null>;
  readonly state: ReadonlySignal<ListState>;
  /** Some of the ids, for estimates; changes while they are sent, and at the end. */
  readonly sample: ReadonlySignal<readonly string[]>;
  readonly kept: ReadonlySignal<KeptList | null>;
  /** Sends it; how it is read is guessed where it is not given, and asked where that is not sure. */
  choose(source: Source, given?: Layout): Promise<void>;
  /** Reads and sends it again in another way. */
  change(part: Partial<Layout>): void;
  send(): Promise<void>;
  clear(): void;
}

interface ListNeeds {
  readonly send: Send;
  /** The column whose values the service knows best; null where it knows none. */
  readonly askColumn: (preview: Preview) => Promise<number | null>;
  readonly kept: KeptList | null;
}

/** Ids that estimates are made from: they use fewer, and a body of this many is small. */
const SAMPLE_SIZE = 5_000;

export function createUserList({ send: sendPiece, askColumn, kept: restored }: ListNeeds): UserList {
  const source = signal<Source | null>(null);
  const layout = signal<Layout | null>(null);
  const preview = signal<Preview | null>(null);
  const state = signal<ListState>(restored ? { kind: 'done', report: restored.report } : { kind: 'empty' });
  const sample = signal<readonly string[]>(restored?.sample ?? []);
  const kept = signal<KeptList | null>(restored);
  let head = new Uint8Array();
  let running: AbortController | null = null;

  const stop = () => {
    running?.abort();
    running = new AbortController();
    return running;
  };
  const isWhole = () => (source.value?.file.size ?? 0) <= HEAD_BYTES;
  const show = (changed: Layout) => {
    layout.value = changed;
    preview.value = previewOf(head, isWhole(), changed);
  };

  const parts = { source, layout, preview, state, sample, kept };
  const send = () => sendList(parts, sendPiece, stop().signal);
  const choose = async (chosen: Source, given?: Layout) => {
    const { signal: aborted } = stop();
    source.value = chosen;
    kept.value = null;
    sample.value = [];
    try {
      head = new Uint8Array(await chosen.file.slice(0, HEAD_BYTES).arrayBuffer());
      if (aborted.aborted) return;
      if (head.length === 0) throw new UnreadableError('The file is empty.');
      const guessed = given ?? guessLayout(head, isWhole());
      show(guessed);
      if (given !== undefined || isSure(preview.value!, guessed)) return void (await send());
      state.value = { kind: 'asks' };
      const column = await askColumn(preview.value!);
      if (aborted.aborted || column === null) return;
      show({ ...guessed, column });
      await send();
    } catch (error) {
      if (!aborted.aborted) state.value = { kind: 'failed', error };
    }
  };

  return {
    ...{ ...parts, choose, send },
    change(part) {
      const before = layout.value;
      if (before === null || source.value === null) return;
      stop();
      show({ ...before, ...columnsAfter(part, head, isWhole()), ...part });
      void send();
    },
    clear() {
      stop();
      empty(parts);
    },
  };
}

/** What a list shows of itself. */
interface Parts {
  readonly source: Signal<Source | null>;
  readonly layout: Signal<Layout | null>;
  readonly preview: Signal<Preview | null>;
  readonly state: Signal<ListState>;
  readonly sample: Signal<readonly string[]>;
  readonly kept: Signal<KeptList | null>;
}

async function sendList(
  { source, layout, state, sample, kept }: Parts,
  sendPiece: ListNeeds['send'],
  aborted: AbortSignal,
): Promise<void> {
  const from = source.value;
  const how = layout.value;
  if (from === null || how === null) return;
  const some = new Sample(SAMPLE_SIZE);
  kept.value = null;
  state.value = { kind: 'sending', share: 0, report: null };
  try {
    const report = await sendIds(from.file, how, sendPiece, {
      signal: aborted,
      onId: (id) => some.add(id),
      onSent: (share, report) => {
        state.value = { kind: 'sending', share, report };
        sample.value = some.ids;
      },
    });
    state.value = { kind: 'done', report };
    sample.value = some.ids;
    kept.value = { name: from.name, report, sample: some.ids, isWhole: some.isComplete };
  } catch (error) {
    if (!aborted.aborted) state.value = { kind: 'failed', error };
  }
}

function empty({ source, layout, preview, state, sample, kept }: Parts): void {
  source.value = null;
  layout.value = null;
  preview.value = null;
  sample.value = [];
  kept.value = null;
  state.value = { kind: 'empty' };
}

/** What is read differently may have other columns. */
function columnsAfter(part: Partial<Layout>, head: Uint8Array<ArrayBuffer>, isWhole: boolean): Partial<Layout> {
  const isReadAnew = part.encoding !== undefined || part.separator !== undefined;
  return isReadAnew ? { column: 0, fields: guessLayout(head, isWhole).fields } : {};
}
