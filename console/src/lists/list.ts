/** The state of a list of users that is chosen, previewed, read and sent to the service in pieces. */
import { type Signal, signal } from '@preact/signals';
import type { UserSet } from '../api/types.ts';
import { bestColumn } from './best-column.ts';
import type { ConsentBasis } from './consent.ts';
import { type IdentifierQuery, type IdFormat, identifierQueryOf, USER_IDS, userIdOf } from './identifiers.ts';
import { ndjsonOf } from './ndjson.ts';
import { refuseForeign } from './read/foreign.ts';
import {
  fieldsOf,
  guessLayout,
  HEAD_BYTES,
  isSure,
  type Layout,
  type Preview,
  previewOf,
  seedColumns,
} from './read/layout.ts';
import { idOf, type ListedUser, Sample } from './read/sample.ts';
import { UnreadableError } from './read/unreadable.ts';
import { type Report, type Send, sendIds } from './send-ids.ts';

export interface Source {
  readonly name: string;
  readonly file: Blob;
  /** Whether the list was typed or pasted, so there is no preview. */
  readonly isText: boolean;
}

export type ListState =
  | { readonly kind: 'empty' }
  /** Whether the user must choose the column before the list is sent. */
  | { readonly kind: 'asks' }
  | { readonly kind: 'sending'; readonly share: number; readonly report: Report | null }
  | { readonly kind: 'done'; readonly report: Report }
  | { readonly kind: 'failed'; readonly error: unknown };

/** The part of a list's state that survives a reload of the page. The file does not survive a reload. */
export interface KeptList {
  readonly name: string;
  readonly report: Report;
  readonly sample: readonly ListedUser[];
  readonly isWhole: boolean;
}

/** The query parameters of requests that contain a list. */
export interface ListQuery extends IdentifierQuery {
  readonly consent_basis?: ConsentBasis;
}

/** Functions that send a list of users to the service. */
export interface ListDependencies {
  /** Returns the function that sends a list with this query. */
  readonly send: (query: ListQuery) => Send;
  /** Like `send`, but the service only counts the ids. */
  readonly preview: (query: ListQuery) => Send;
  /** State of the list before a reload of the page. */
  readonly kept: KeptList | null;
  /** Whether to send weights and features with the ids, if the list has these columns. */
  readonly isOfSeeds?: boolean;
}

/** Maximum number of users kept for estimates. An estimate uses fewer, and a request with this many is small. */
const SAMPLE_SIZE = 5_000;

export class UserList {
  readonly source = signal<Source | null>(null);
  readonly layout = signal<Layout | null>(null);
  readonly preview = signal<Preview | null>(null);
  /** The kind of ids, which the user chooses before or after the list. */
  readonly format = signal<IdFormat>(USER_IDS);
  /** The legal basis, which the user may choose before or after the list; empty if none is stated. */
  readonly basis = signal<ConsentBasis | ''>('');
  readonly state: Signal<ListState>;
  /**
   * A sample of the users for estimates. It is updated while the list is being sent, and at the end. It contains no
   * plain identifiers.
   */
  readonly sample: Signal<readonly ListedUser[]>;
  readonly kept: Signal<KeptList | null>;
  readonly #needs: ListDependencies;
  #head = new Uint8Array();
  #running: AbortController | null = null;
  /** Settles when the last piece has been answered, so that no piece arrives after the pieces of a later list. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(needs: ListDependencies) {
    const { kept } = needs;
    this.#needs = needs;
    this.state = signal<ListState>(kept ? { kind: 'done', report: kept.report } : { kind: 'empty' });
    this.sample = signal(kept?.sample ?? []);
    this.kept = signal(kept);
  }

  /** Reads and sends a list. Without `given`, guesses the layout, and asks the user if the guess is not certain. */
  async choose(chosen: Source, given?: Layout): Promise<void> {
    const aborted = this.#stop();
    this.source.value = chosen;
    this.kept.value = null;
    this.sample.value = [];
    try {
      const head = new Uint8Array(await chosen.file.slice(0, HEAD_BYTES).arrayBuffer());
      if (aborted.aborted) return;
      this.#head = head;
      if (head.length === 0) throw new UnreadableError('The file is empty.');
      refuseForeign(head);
      const guessed = given ?? guessLayout(head, this.#isWhole());
      const preview = this.#show(guessed);
      if (given !== undefined || this.#isSure(preview, guessed)) return await this.send();
      this.state.value = { kind: 'asks' };
      const column = await bestColumn(preview, (ids) => this.#knownOf(ids));
      if (aborted.aborted || column === null) return;
      this.#show({ ...guessed, column });
      await this.send();
    } catch (error) {
      if (!aborted.aborted) this.state.value = { kind: 'failed', error };
    }
  }

  /** Reads and sends the list again with a changed layout. */
  change(part: Partial<Layout>): void {
    const before = this.layout.value;
    if (before === null || this.source.value === null) return;
    const isOther = part.encoding !== undefined || part.separator !== undefined;
    // another encoding or separator results in other columns
    this.#show({ ...before, ...(isOther && this.#columnsOf({ ...before, ...part })), ...part });
    void this.send();
  }

  /** Changes the kind of ids, and sends the list again. */
  changeFormat(format: IdFormat): void {
    this.format.value = format;
    const from = this.source.value;
    if (from !== null) void this.choose(from);
  }

  /** Changes the legal basis, and sends the list again. */
  changeBasis(basis: ConsentBasis | ''): void {
    this.basis.value = basis;
    const { kind } = this.state.value;
    if (kind === 'sending' || kind === 'done') void this.send();
  }

  get query(): ListQuery {
    const basis = this.basis.peek();
    return { ...identifierQueryOf(this.format.peek()), ...(basis !== '' && { consent_basis: basis }) };
  }

  /** Whether the list was sent, but a reload of the page has lost its file. */
  get isLost(): boolean {
    return this.kept.value !== null && this.source.value === null;
  }

  async send(): Promise<void> {
    const [from, layout] = [this.source.value, this.layout.value];
    if (from === null || layout === null) return;
    const aborted = this.#stop();
    const some = new Sample(SAMPLE_SIZE);
    const format = this.format.value;
    let isSampled = true;
    this.kept.value = null;
    this.state.value = { kind: 'sending', share: 0, report: null };
    const preview = this.preview.peek();
    const following = {
      signal: aborted,
      columns: this.#needs.isOfSeeds && preview !== null ? seedColumns(preview) : undefined,
      onUser: (user: ListedUser) => {
        const id = userIdOf(idOf(user), format);
        if (id === null) isSampled = false;
        else some.add(typeof user === 'string' ? id : { ...user, user_id: id });
      },
      onSent: (share: number, report: Report) => {
        this.state.value = { kind: 'sending', share, report };
        this.sample.value = some.users;
      },
    };
    const { query } = this;
    const sent = this.#last.then(() => sendIds(from.file, layout, this.#needs.send(query), following));
    this.#last = sent.catch(() => {});
    try {
      const report = await sent;
      this.sample.value = some.users;
      this.state.value = { kind: 'done', report };
      this.kept.value = { name: from.name, report, sample: some.users, isWhole: isSampled && some.isComplete };
    } catch (error) {
      if (!aborted.aborted) this.state.value = { kind: 'failed', error };
    }
  }

  /** Updates how many of the ids that were sent are known. */
  recount({ known, unknown, outside = 0, identifiers = [] }: UserSet): void {
    const [state, kept] = [this.state.value, this.kept.value];
    if (state.kind !== 'done' || kept === null) return;
    const report = { ...state.report, known, unknown, outside, identifiers };
    this.state.value = { kind: 'done', report };
    this.kept.value = { ...kept, report };
  }

  /** Stops sending. */
  stop(): void {
    this.#stop();
  }

  clear(): void {
    this.#stop();
    this.source.value = null;
    this.layout.value = null;
    this.preview.value = null;
    this.sample.value = [];
    this.kept.value = null;
    this.state.value = { kind: 'empty' };
  }

  /** Whether the column is certain. Names of columns say nothing about identifiers. */
  #isSure(preview: Preview, layout: Layout): boolean {
    return this.format.value.label === null ? isSure(preview, layout) : preview.columns.length <= 1;
  }

  async #knownOf(ids: readonly string[]): Promise<number> {
    const send = this.#needs.preview(this.query);
    return (await send(ndjsonOf(ids), true)).sent?.known ?? 0;
  }

  #columnsOf({ encoding, separator }: Layout): Pick<Layout, 'column' | 'fields'> {
    return { column: 0, fields: separator === 'json' ? fieldsOf(this.#head, encoding, this.#isWhole()) : [] };
  }

  #show(layout: Layout): Preview {
    const preview = previewOf(this.#head, this.#isWhole(), layout);
    this.layout.value = layout;
    this.preview.value = preview;
    return preview;
  }

  #isWhole(): boolean {
    return (this.source.value?.file.size ?? 0) <= HEAD_BYTES;
  }

  /** Aborts current work, and returns the abort signal for the next work. */
  #stop(): AbortSignal {
    this.#running?.abort();
    this.#running = new AbortController();
    return this.#running.signal;
  }
}
