/** The public keys of parties that may request deletions, from the `dsrdelete.json` of their domains. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { z } from 'zod';
import type { DeletionIssuer } from '../../domain/deletion.ts';
import { AppError } from '../../lib/errors.ts';
import type { ServerDependencies } from '../dependencies.ts';

const TIMEOUT_MS = 5_000;
const MAXIMUM_BYTES = 65_536;
/** Keys are read again after this time; until they can be read, the old ones count for a day. */
const FRESH_MS = 3_600_000;
const MAXIMUM_AGE_MS = 86_400_000;
/** Minimum time between two reads of a domain. */
const REREAD_MS = 60_000;
/** Seconds after which a requester may try again. */
const RETRY_SECONDS = 60;

const published = z.looseObject({ publicKey: z.array(z.looseObject({ kty: z.string() })).min(1) });
type Keys = z.output<typeof published>['publicKey'];

type IssuerKeysDependencies = Pick<ServerDependencies, 'clock' | 'addressGuard'>;

export class IssuerKeys {
  readonly #urls: ReadonlyMap<string, string>;
  readonly #dependencies: IssuerKeysDependencies;
  readonly #known = new Map<string, { readonly keys: Keys; readonly at: number }>();
  readonly #reads = new Map<string, { readonly keys: Promise<Keys>; readonly at: number }>();

  constructor(issuers: readonly DeletionIssuer[], dependencies: IssuerKeysDependencies) {
    this.#urls = new Map(issuers.map(({ domain, url }) => [domain, url]));
    this.#dependencies = dependencies;
  }

  /**
   * Returns the keys (JWK) of a domain; null if it is not trusted. With `reread`, keys older than a minute are read
   * again.
   * @throws AppError unavailable if the keys cannot be read
   */
  async of(domain: string, { reread = false } = {}): Promise<Keys | null> {
    const url = this.#urls.get(domain);
    if (url === undefined) return null;
    const known = this.#known.get(domain);
    const age = known ? this.#dependencies.clock.elapsed() - known.at : Number.POSITIVE_INFINITY;
    if (age < (reread ? REREAD_MS : FRESH_MS)) return known!.keys;
    try {
      return await this.#readAtMostOnceAMinute(domain, url);
    } catch (cause) {
      if (age < MAXIMUM_AGE_MS) return known!.keys;
      throw new AppError('unavailable', `the keys of ${domain} cannot be read from ${url}`, {
        cause,
        facts: { retry_after: RETRY_SECONDS },
      });
    }
  }

  /** Reads that fail count too, because anybody can send tokens that name the domain. */
  #readAtMostOnceAMinute(domain: string, url: string): Promise<Keys> {
    const at = this.#dependencies.clock.elapsed();
    const last = this.#reads.get(domain);
    if (last !== undefined && at - last.at < REREAD_MS) return last.keys;
    const keys = this.#read(url).then((text) => {
      const { publicKey } = published.parse(JSON.parse(text));
      this.#known.set(domain, { keys: publicKey, at });
      return publicKey;
    });
    this.#reads.set(domain, { keys, at });
    return keys;
  }

  async #read(text: string): Promise<string> {
    const { addressGuard: guard } = this.#dependencies;
    const url = guard.checkTarget(text);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const options = { agent: false, lookup: guard.lookup, signal: AbortSignal.timeout(TIMEOUT_MS) };
      const call = request(url, options, (response) => {
        let body = '';
        const fail = (message: string) => call.destroy(new Error(message));
        if (response.statusCode !== 200) fail(`the status is ${response.statusCode}`);
        response.setEncoding('utf8').on('data', (piece: string) => {
          body += piece;
          if (body.length > MAXIMUM_BYTES) fail(`there are more than ${MAXIMUM_BYTES} bytes`);
        });
        response.on('end', () => resolve(body)).on('error', reject);
      });
      call.on('error', reject).end();
    });
  }
}
