/** The release of better-sqlite3 that this Node runs, for the store; locks on files take it from the same place. */
export { Sqlite } from '../lib/sqlite-driver.ts';
