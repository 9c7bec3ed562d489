/** Headers of pages, which browsers show: no page of others may frame them, and they load nothing from elsewhere. */

const COMMON = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Pages that are one file, with its style inside. */
export const PAGE_HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; ${COMMON}`,
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
} as const;

/** Pages with scripts: those of Swagger UI are files of this service, and its styles are partly in attributes. */
export const SCRIPTED_PAGE_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
    `font-src 'self' data:; connect-src 'self'; ${COMMON}`,
} as const;

/** The console: its scripts, styles and data are of this service, and nothing is inline. */
export const CONSOLE_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy':
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    `object-src 'none'; ${COMMON}`,
} as const;
