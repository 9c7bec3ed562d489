/** Receives rows of users from the readers of files, and accepts or refuses each. */
import type { UserNumber } from '../../lib/brands.ts';
import type { Rows } from '../read/segments.ts';
import type { ImportErasures } from './import-erasures.ts';
import type { UserSink } from './read-user.ts';

/** Why a row is refused: the user already has a row, or the same update deletes the user. */
export type RowFault = 'repeated' | 'deleted';

export interface RowSink extends UserSink {
  /** A folder for a reader's temporary files. */
  readonly scratch: string;
  /** Number of rows so far. */
  readonly rows: number;
  /** The users to leave out, and a count of their rows. */
  readonly erased: Pick<ImportErasures, 'isNeeded' | 'has' | 'count'>;
  /** Ends the open row of `segment`. If the row is refused, returns why. */
  endRow(userNumber: UserNumber): RowFault | null;
  /** Adds complete rows. Returns the index of a refused row, if any; the sink must then be discarded. */
  addRows(rows: Rows): { readonly at: number; readonly fault: RowFault } | null;
}

export function describeFault(fault: RowFault, userId: string): string {
  switch (fault) {
    case 'repeated':
      return `the user "${userId}" appears a second time`;
    case 'deleted':
      return `the user "${userId}" is both changed here and deleted: choose one`;
  }
}
