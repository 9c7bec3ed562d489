/** Content negotiation (RFC 9110, section 12.5.1): the best of the media types on offer. */
import { AppError } from '../../lib/errors.ts';

/** The offered type with the highest weight in `accept` (the first of equals); `not_acceptable` if it accepts none. */
export function negotiate<T extends string>(accept: string | undefined, offers: readonly [T, ...T[]]): T {
  if (accept === undefined || accept.trim() === '') return offers[0];
  const ranges = accept.slice(0, MAXIMUM_ACCEPT_LENGTH).toLowerCase().split(',').map(parseRange);
  let best: { readonly offer: T; readonly weight: number } | null = null;
  for (const offer of offers) {
    const weight = weightOf(offer, ranges);
    if (weight > (best?.weight ?? 0)) best = { offer, weight };
  }
  if (best !== null) return best.offer;
  throw new AppError('not_acceptable', `this route returns ${offers.join(', ')}`, {
    details: [{ pointer: 'accept', value: accept, message: `accept one of ${offers.join(', ')}` }],
  });
}

/** Whether `Accept-Encoding` allows gzip, with at least the weight of `identity`. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const codings = (acceptEncoding ?? '').slice(0, MAXIMUM_ACCEPT_LENGTH).toLowerCase().split(',').map(parseRange);
  const weightOf = (...names: readonly string[]) => codings.find(({ type }) => names.includes(type))?.weight;
  const gzip = weightOf('gzip', 'x-gzip') ?? weightOf('*') ?? 0;
  return gzip > 0 && gzip >= (weightOf('identity') ?? 0);
}

interface MediaRange {
  readonly type: string;
  readonly weight: number;
}

const MAXIMUM_ACCEPT_LENGTH = 1_024;

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The weight of the most specific range that matches the offer; 0 if none does. */
function weightOf(offer: string, ranges: readonly MediaRange[]): number {
  for (const pattern of [offer, `${offer.slice(0, offer.indexOf('/'))}/*`, '*/*']) {
    const range = ranges.find(({ type }) => type === pattern);
    if (range !== undefined) return range.weight;
  }
  return 0;
}
