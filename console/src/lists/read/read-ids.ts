/** Reads the ids of a file piece by piece, with only one piece in memory. */
import { createDecoder } from './encoding.ts';
import type { Layout } from './layout.ts';
import { splitterOf } from './records.ts';
import { UnreadableError } from './unreadable.ts';

export interface Piece {
  readonly ids: readonly string[];
  /** The field in the column of weights of each id; empty without a weight. */
  readonly weights: readonly string[];
  /** Number of rows without an id. */
  readonly empty: number;
  /** Number of bytes of the file read so far. */
  readonly bytesRead: number;
}

/** @throws UnreadableError if the file does not match the layout; DOMException if the file can no longer be read */
export async function* readIds(file: Blob, layout: Layout, weightColumn = -1): AsyncGenerator<Piece, void, void> {
  const reader = file.stream().getReader();
  const decoder = createDecoder(layout.encoding);
  const splitter = splitterOf(layout);
  let bytesRead = 0;
  let isFirst = layout.hasHeader;
  const pieceOf = (rows: readonly (readonly string[])[]): Piece => {
    const wanted = isFirst ? rows.slice(1) : rows;
    if (rows.length > 0) isFirst = false;
    const ids: string[] = [];
    const weights: string[] = [];
    for (const row of wanted) {
      const cell = row[layout.column] ?? '';
      const id = layout.trims ? cell.trim() : cell;
      if (id === '') continue;
      ids.push(id);
      weights.push((row[weightColumn] ?? '').trim());
    }
    return { ids, weights, empty: wanted.length - ids.length, bytesRead };
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
