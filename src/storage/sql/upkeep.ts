/** The blobs that the rows of a store refer to. */
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { setNames } from './set-rows.ts';
import type { Database, Sql } from './sql.ts';

export function contentsOf(database: Pick<Database, 'read'>): Promise<StoreContents> {
  return database.read(contentsIn);
}

/** The blobs that the rows of one state of a database refer to. */
export async function contentsIn(state: Sql): Promise<StoreContents> {
  const rankings = await state.all<{ readonly folder: string }>('SELECT DISTINCT folder FROM audiences');
  const running = await state.all<{ readonly id: string }>(
    'SELECT e.id FROM expansions e JOIN jobs j ON j.expansion = e.number',
  );
  return {
    sets: new Set(await setNames(state)),
    rankings: new Set(rankings.map(({ folder }) => folder)),
    running: new Set(running.map(({ id }) => id)),
  };
}
