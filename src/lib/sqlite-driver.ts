/**
 * The release of better-sqlite3 that this Node runs: 13 from Node 22 on, which binds by Node-API and brings its
 * binaries, 12 below. Node 24.19 aborts when it collects a statement of release 12, and release 13 aborts on Node 20.
 */
import type SqliteModule from 'better-sqlite3';

/** The first version of Node that release 13 is for. */
const FIRST_NAPI_NODE = 22;

const isNapi = Number(process.versions.node.split('.')[0]) >= FIRST_NAPI_NODE;

export const Sqlite: typeof SqliteModule = (
  isNapi ? await import('better-sqlite3-napi') : await import('better-sqlite3')
).default;
