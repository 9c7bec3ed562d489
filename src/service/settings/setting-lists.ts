/** The schemas of settings that are lists: hosts, origins, prices, and parties that are trusted. */
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';
import { trustedProxyCheck } from '../../lib/trusted-proxies.ts';
import { createAddressGuard } from '../webhooks/address-guard.ts';

/** Parses a list in one variable: `a,b,..`. */
const list = z.string().transform((text) => (text.trim() === '' ? [] : text.split(',').map((entry) => entry.trim())));

/** Host names and addresses, without a port. */
export const hostNames = list.refine(
  (entries) => entries.every((entry) => /^[\w.-]+$/.test(entry) || isIPv6(entry.replace(/^\[(.*)\]$/, '$1'))),
  'must be host names or addresses, without a port',
);

/** Origins in the form that browsers send. `*` is refused, because it would allow any page. */
export const origins = list.refine(
  (entries) =>
    entries.every((entry) => /^https?:/.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry),
  'must be full origins such as https://app.example.com, without a path or *',
);

/** Hosts and CIDRs that webhooks may call. */
export const allowedHosts = list.superRefine((entries, context) => {
  try {
    createAddressGuard(entries);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

/** Addresses and CIDRs of proxies. */
export const proxies = list.superRefine((entries, context) => {
  try {
    trustedProxyCheck(entries);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

/** Prices of signals, such as `standard=1.50 EUR`. */
export const signalPrices = list.transform((entries, context) =>
  entries.map((entry) => {
    const [, id, cpm, currency] = /^([\w.-]{1,64})=(\d{1,6}(?:\.\d{1,4})?) ([A-Z]{3})$/.exec(entry) ?? [];
    if (id === undefined)
      context.addIssue({ code: 'custom', message: `"${entry}" is not a price such as standard=1.50 EUR` });
    return { id: id!, cpm: Number(cpm), currency: currency! };
  }),
);

export const DOMAIN = /^(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;

/** Domains, such as `publisher.example`, or `publisher.example=https://keys.example/dsrdelete.json`. */
export const deletionIssuers = list.transform((entries, context) =>
  entries.map((entry) => {
    const [, domain = '', url = `https://${domain}/dsrdelete.json`] =
      /^([^=]+)(?:=(https?:\/\/\S+))?$/.exec(entry) ?? [];
    if (!DOMAIN.test(domain) || !URL.canParse(url))
      context.addIssue({ code: 'custom', message: `"${entry}" is not a domain such as publisher.example` });
    return { domain, url };
  }),
);
