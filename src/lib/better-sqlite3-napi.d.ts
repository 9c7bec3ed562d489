/** Release 13 of better-sqlite3, under the name that package.json gives it: what is used of it is as in release 12. */
declare module 'better-sqlite3-napi' {
  export { default } from 'better-sqlite3';
}
