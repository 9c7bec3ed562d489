/** Checks the spelling of a webhook's URL: the URL shown must be the URL called. */

/** Maximum number of characters in a host name and in a label (RFC 1035). */
const MAXIMUM_NAME = 253;
const MAXIMUM_LABEL = 63;

/**
 * Returns what is wrong with the spelling of a URL; null if nothing is wrong. The class `URL` repairs many faults:
 * `https:///x` is read as the host x, `\` as `/`, `%65` in a host as `e`, and a number as an IP address; invisible
 * characters are dropped.
 */
export function urlTextFault(text: string, url: URL): string | null {
  const authority = /^https?:\/\/([^/\\?#]+)/i.exec(text)?.[1];
  if (authority === undefined) return 'has no host';
  if (text.includes('\\')) return 'contains a backslash';
  // this finds empty user info too, which `URL` drops
  if (authority.includes('@')) return 'contains a user name or password';
  if (text.includes('#')) return 'contains a fragment, which is never sent';
  if (url.port === '0') return 'has the port 0';
  if (authority.includes('%')) return 'has a host with percent-encoded characters';
  if (/[\p{Cf}\p{Z}]/u.test(authority)) return 'has a host with invisible characters';
  if (url.hostname.startsWith('[')) return null;
  const isNumbers = /^[\d.]+$/.test(url.hostname);
  if (isNumbers && authority.replace(/:\d*$/, '') !== url.hostname) return 'does not write the address as four numbers';
  return nameFault(url.hostname.replace(/\.$/, ''));
}

function nameFault(name: string): string | null {
  const labels = name.split('.');
  if (labels.includes('')) return 'has a host with an empty part';
  if (name.length > MAXIMUM_NAME) return `has a host of more than ${MAXIMUM_NAME} characters`;
  if (labels.some((label) => label.length > MAXIMUM_LABEL))
    return `has a host with a part of more than ${MAXIMUM_LABEL} characters`;
  return null;
}
