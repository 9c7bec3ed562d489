/**
 * The settings of `metaheac serve` other than limits. Each entry defines the accepted values, the default, and the line
 * in docs/settings.md. The flag and the key in the configuration file are derived from the name of the variable.
 */
import { z } from 'zod';
import { allowedHosts, DOMAIN, deletionIssuers, hostNames, origins, proxies, signalPrices } from './setting-lists.ts';

interface Words {
  readonly description: string;
  /** Description of the default behaviour, for a setting without a default value. */
  readonly byDefault?: string;
  /**
   * Whether the value is a secret, or a URL that may have a password. A secret is never shown, and comes from a file or
   * a variable, because every user of the machine can read a command line. A URL may be a flag if it has no password.
   */
  readonly isSecret?: true | 'password';
  /** Whether the value is a path. In a configuration file, paths are relative to that file. */
  readonly isPath?: true;
  /** Whether the value is a list: a YAML list in a configuration file, and separated by commas elsewhere. */
  readonly isList?: true;
  /** Whether the flag without a value means `true`. */
  readonly isSwitch?: true;
}

/** Facts about a setting in addition to its schema. */
export const SETTING_WORDS = z.registry<Words>();

/** Parses a number in plain digits. `Number` would read an empty string as 0 and `0x50` as 80. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'not a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/**
 * Returns a schema for an API key. Each call makes a new schema, because each setting attaches its description to its
 * schema.
 */
const secret = () => z.string().min(16, 'a key must have at least 16 characters').optional();

/** The database of a cluster. Messages do not repeat the URL, which may have a password. */
const storeUrl = z
  .string()
  // URL.canParse accepts line breaks, and would join the lines of a file
  .refine(
    (text) => !/\s/.test(text) && /^postgres(ql)?:$/.test(protocolOf(text)),
    'must be a URL such as postgres://host/database',
  );

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}

/**
 * Returns a schema for a switch that is off by default. Each call makes a new schema, because each setting attaches its
 * description to its schema.
 */
const switched = () =>
  z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true');

/** The default of settings that only a service that is alone must have. */
const REQUIRED = 'required without a store';
const FIRST_NODE = 'In a cluster, only the first node needs it, and publishes it.';

/** The settings, in the order of docs/settings.md. */
export const settingsSchema = z.object({
  METAHEAC_DATA_DIR: z.string().min(1).optional().register(SETTING_WORDS, {
    byDefault: REQUIRED,
    isPath: true,
    description: 'Folder for the database, seeds and audiences; only one service at a time can use the folder.',
  }),
  METAHEAC_MODEL: z
    .string()
    .min(1)
    .optional()
    .register(SETTING_WORDS, {
      byDefault: REQUIRED,
      isPath: true,
      description: `Model folder. ${FIRST_NODE}`,
    }),
  METAHEAC_POPULATION: z
    .string()
    .min(1)
    .optional()
    .register(SETTING_WORDS, {
      byDefault: REQUIRED,
      isPath: true,
      description:
        'Population folder; its current version is served. `POST /v1/populations/{version}/activate` switches to another ' +
        `version. ${FIRST_NODE}`,
    }),
  METAHEAC_STORE: storeUrl.optional().register(SETTING_WORDS, {
    byDefault: 'none',
    isSecret: 'password',
    description:
      'Database of a cluster, `postgres://user@host/database`, used instead of a data folder by any number of ' +
      'nodes and engines. Parts that the URL leaves out come from `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT` ' +
      'and the other variables of Postgres.',
  }),
  METAHEAC_BLOBS: z
    .string()
    .regex(/^(s3:\/\/[a-z0-9][a-z0-9.-]+(\/|\?|$)|file:\/\/\/)/, 'must be a URL such as s3://bucket/prefix')
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'none',
      description:
        'Object storage of a cluster, `s3://bucket/prefix`; required with `METAHEAC_STORE`. Credentials, the region ' +
        'and the endpoint come from the `AWS_*` variables and files, and the certificates of a private authority from ' +
        'the file that `AWS_CA_BUNDLE` names. For a server other than AWS, the URL may end with ' +
        '`?endpoint=https://host:port&path_style=true`, and `region=`.',
    }),
  METAHEAC_CACHE: z
    .string()
    .min(1)
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'a folder for temporary files',
      isPath: true,
      description:
        'Folder of a node or an engine of a cluster for what it has read from the object storage; it may be deleted at ' +
        'any time while no process uses it, and the processes of a machine share it.',
    }),
  METAHEAC_ENGINE: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'true, but false in a cluster',
      isSwitch: true,
      description:
        'Run an engine beside the API. A node of a cluster runs none by default, because `metaheac engine` runs ' +
        'them on hosts of their own.',
    }),
  METAHEAC_FOLLOW_POPULATION: switched().register(SETTING_WORDS, {
    isSwitch: true,
    description: 'Serve each population version as soon as an import or a rollback makes it current.',
  }),
  METAHEAC_HOST: z.string().min(1).default('127.0.0.1').register(SETTING_WORDS, {
    description: 'Address to listen on. For a non-loopback address, the service refuses to start without a key.',
  }),
  METAHEAC_PORT: whole(0, 65_535).default(8080).register(SETTING_WORDS, {
    description: 'Port to listen on; 0 picks a free port.',
  }),
  METAHEAC_DEVICE: z
    .string()
    .regex(/^(auto|cpu|cuda|cuda:\d{1,2})$/, 'must be auto, cpu, cuda or cuda:N')
    .default('auto')
    .register(SETTING_WORDS, {
      description: 'Device of the engine: auto, cpu, cuda or cuda:N ([GPU](operations.md#gpu)).',
    }),
  METAHEAC_THREADS: whole(1, 256).optional().register(SETTING_WORDS, {
    byDefault: 'one per processor',
    description: 'Number of engine threads.',
  }),
  METAHEAC_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    // the URL appears in log lines
    .refine((text) => !URL.canParse(text) || new URL(text).password === '', 'must have no password')
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'none',
      description:
        'OpenTelemetry receiver (OTLP over HTTP, JSON) for traces and metrics, such as `http://127.0.0.1:4318`.',
    }),
  METAHEAC_API_KEY: secret().register(SETTING_WORDS, {
    byDefault: 'none',
    isSecret: true,
    description:
      'API key with scope admin, at least 16 characters; if set, or once `metaheac keys create` has made a key, ' +
      'every `/v1` call needs `Authorization: Bearer`.',
  }),
  METAHEAC_METRICS_KEY: secret().register(SETTING_WORDS, {
    byDefault: 'none',
    isSecret: true,
    description:
      'Key for `/metrics`, `/docs` and the details of `/readyz`, in addition to API keys. Without this key, ' +
      'these pages are open on a loopback address, and need an API key on any other address.',
  }),
  METAHEAC_ALLOWED_HOSTS: hostNames.default([]).register(SETTING_WORDS, {
    byDefault: 'none',
    isList: true,
    description:
      'Host names (`a,b,..`) by which the service may be called without a key, besides `localhost`, 127.0.0.1, ' +
      '[::1] and the address that it listens on; requests with other `Host` headers get 421.',
  }),
  METAHEAC_CORS_ORIGINS: origins.default([]).register(SETTING_WORDS, {
    byDefault: 'none',
    isList: true,
    description:
      'Origins (`https://a.example,..`) whose pages may call the service from a browser; other origins get 403. Wildcards are not allowed.',
  }),
  METAHEAC_SIGNAL_PRICES: signalPrices.default([{ id: 'included', cpm: 0, currency: 'USD' }]).register(SETTING_WORDS, {
    byDefault: 'included=0 USD',
    isList: true,
    description:
      'Prices (`id=cpm currency,..`) that buyers may choose when they activate a signal by AdCP. The service reports ' +
      'the choice and charges nothing.',
  }),
  METAHEAC_DELETION_ISSUERS: deletionIssuers.default([]).register(SETTING_WORDS, {
    byDefault: 'none',
    isList: true,
    description:
      'Domains (`publisher.example,..`) that may request the deletion of users by the Data Deletion Request Framework ' +
      'of the IAB. Their keys are read from `https://<domain>/dsrdelete.json`, or from the URL in `<domain>=<url>`. ' +
      'Requires METAHEAC_DELETION_DOMAIN.',
  }),
  METAHEAC_DELETION_DOMAIN: z
    .string()
    .regex(DOMAIN, 'must be a domain such as audiences.example')
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'none',
      description: 'Domain of this service in acknowledgements of deletion requests, and in `/dsrdelete.json`.',
    }),
  METAHEAC_TRUSTED_PROXIES: proxies.default([]).register(SETTING_WORDS, {
    byDefault: 'none',
    isList: true,
    description:
      'Addresses and CIDRs (`10.0.0.7,fd00::/8,..`) of proxies in front of the service: rate limits and the ' +
      'audit log then use the last address in `X-Forwarded-For` that is not one of these proxies. Requires a ' +
      'key.',
  }),
  METAHEAC_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .register(SETTING_WORDS, { description: 'Log level: fatal, error, warn, info, debug, trace or silent.' }),
  METAHEAC_PRETTY: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'true on a terminal',
      isSwitch: true,
      description: 'Write log lines as readable text instead of JSON.',
    }),
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: allowedHosts.default([]).register(SETTING_WORDS, {
    byDefault: 'none',
    isList: true,
    description:
      'Hosts and CIDRs (`a,b,..`) that webhooks, and destinations with an endpoint, may call even if they are not ' +
      'public; these hosts may also use http.',
  }),
  METAHEAC_DESTINATIONS_ROOT: z
    .string()
    .min(1)
    .optional()
    .register(SETTING_WORDS, {
      byDefault: 'none',
      isPath: true,
      description:
        'Folder below which destinations may write audiences ([destinations](destinations.md)); without it, only ' +
        'buckets can be destinations. All nodes of a cluster must share it.',
    }),
});
