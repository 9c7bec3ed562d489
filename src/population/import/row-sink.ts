/** What readers of files fill: rows of users, each of which is taken or refused. */
import type { UserNumber } from '../../lib/brands.ts';
import type { Rows } from '../read/segments.ts';
import type { ImportErasures } from './import-erasures.ts';
import type { UserSink } from './read-user.ts';

/** Why a row is refused: the user already has one, or the same update deletes the user. */
export type RowFault = 'repeated' | 'deleted';

export interface RowSink extends UserSink {
  /** A folder for what a reader needs on disk while it runs. */
  readonly scratch: string;
  /** Rows so far. */
  readonly rows: number;
  /** Users to leave out, and the count of their rows. */
  readonly erased: Pick<ImportErasures, 'isNeeded' | 'has' | 'count'>;
  /** Ends the open row of `segment`, unless it is refused. */
  endRow(userNumber: UserNumber): RowFault | null;
  /** Adds whole rows. Returns the index of a refused one; the sink must then be thrown away. */
  addRows(rows: Rows): { readonly at: number; readonly fault: RowFault } | null;
}

export function describeFault(fault: RowFault, userId: string): string {
  switch (fault) {
    case 'repeated':
      return `the user "${userId}" is there for the second time`;
    case 'deleted':
      return `the user "${userId}" is changed here and among the deleted ones: say one of them`;
  }
}
