/** The version of the service: that of its package. */
import { readFileSync } from 'node:fs';

const PACKAGE: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

export const PACKAGE_VERSION = PACKAGE.version;
