/** Reads the ids of a file piece by piece, with only one piece in memory. */
import { createDecoder } from './encoding.ts';
import type { Layout, SeedColumns } from './layout.ts';
import { splitterOf } from './records.ts';
import { UnreadableError } from './unreadable.ts';

export interface Piece {
  readonly ids: readonly string[];
  /** The weight and features of each id as text; empty if it has none. */
  readonly weights: readonly string[];
  readonly features: readonly string[];
  /** Number of rows without an id. */
  readonly empty: number;
  /** Number of bytes of the file read so far. */
  readonly bytesRead: number;
}

const NO_COLUMNS: SeedColumns = { weight: -1, features: -1 };

/** @throws UnreadableError if the file does not match the layout; DOMException if the file can no longer be read */
export async function* readIds(
  file: Blob,
  layout: Layout,
  { weight, features: featuresColumn }: SeedColumns = NO_COLUMNS,
): AsyncGenerator<Piece, void, void> {
  const reader = file.stream().getReader();
  const decoder = createDecoder(layout.encoding);
  const splitter = splitterOf(layout);
  let bytesRead = 0;
  let isFirst = layout.hasHeader;
  let nextRow = 0;
  const pieceOf = (rows: readonly (readonly string[])[]): Piece => {
    const wanted = isFirst ? rows.slice(1) : rows;
    if (rows.length > 0) isFirst = false;
    const ids: string[] = [];
    const weights: string[] = [];
    const features: string[] = [];
    for (const row of wanted) {
      const cell = layout.column === featuresColumn ? '' : (row[layout.column] ?? '');
      const id = layout.trims ? cell.trim() : cell;
      const own = row[featuresColumn] ?? '';
      nextRow += 1;
      if (id === '' && own === '') continue;
      // without an ID, the row number distinguishes people with equal features
      ids.push(id === '' ? `row:${nextRow}` : id);
      weights.push((row[weight] ?? '').trim());
      features.push(own);
    }
    return { ids, weights, features, empty: wanted.length - ids.length, bytesRead };
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytesRead += value.length;
      yield pieceOf(splitter.push(decoded(() => decoder.decode(value, { stream: true }))));
    }
    yield pieceOf([...splitter.push(decoded(() => decoder.decode())), ...splitter.end()]);
  } finally {
    await reader.cancel();
  }
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw new UnreadableError('Parts of the file are not UTF-8. Choose another encoding, such as Windows-1252.');
  }
}
