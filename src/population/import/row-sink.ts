/** Receives rows of users from the readers of files, and accepts or refuses each row. */
import type { UserNumber } from '../../lib/brands.ts';
import type { ImportErasures } from './import-erasures.ts';
import type { UserSink } from './read-user.ts';

/** Reason for refusing a row: the user already has a row, or the same update deletes the user. */
export type RowFault = 'repeated' | 'deleted';

export interface RowSink extends UserSink {
  /** Folder for a reader's temporary files. */
  readonly scratch: string;
  /** Number of rows so far. */
  readonly rows: number;
  /** Erased users to leave out; also counts the rows left out. */
  readonly erased: Pick<ImportErasures, 'isNeeded' | 'has' | 'count'>;
  /** Ends the open row of `segment`. If the row is refused, returns the reason. */
  endRow(userNumber: UserNumber): RowFault | null;
  /** Begins to write full segments while more rows are read. Errors: AppError `storage_failed`. */
  writeAhead(): Promise<void>;
  /** Waits until no segment is being written; call this method after the last row, even after an error. */
  settle(): Promise<void>;
}

export function describeFault(fault: RowFault, userId: string): string {
  switch (fault) {
    case 'repeated':
      return `the user "${userId}" appears a second time`;
    case 'deleted':
      return `the user "${userId}" is both changed and deleted: choose one of the two`;
  }
}
