declare module 'pgpass' {
  /** Calls `found` with the password for this connection in PGPASSFILE or ~/.pgpass; undefined if there is none. */
  function readPasswordFile(
    target: { readonly host?: string; readonly port?: number; readonly database?: string; readonly user?: string },
    found: (password: string | undefined) => void,
  ): void;
  export = readPasswordFile;
}
