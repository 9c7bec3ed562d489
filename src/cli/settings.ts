/**
 * The variables of `metaheac serve` other than its limits, in one row each: what it takes, its default, its line in
 * docs/settings.md.
 */
import { z } from 'zod';
import { messageOf } from '../lib/errors.ts';
import { createAddressGuard } from '../server/webhooks/address-guard.ts';

interface Words {
  readonly description: string;
  /** The flag of `metaheac serve` that takes precedence over the variable. */
  readonly flag?: `--${string}`;
  /** What the documentation shows if there is no default. */
  readonly byDefault?: string;
}

/** The documentation of each variable. */
export const SETTING_WORDS = z.registry<Words>();

/** A number in plain digits: `Number` would read an empty string as 0 and `0x50` as 80. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'not a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** Hosts and CIDRs allowed for webhooks. */
const allowedHosts = z
  .string()
  .transform((text) => (text.trim() === '' ? [] : text.split(',').map((entry) => entry.trim())))
  .superRefine((entries, context) => {
    try {
      createAddressGuard(entries);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  });

/** Listed in docs/settings.md in this order. */
export const settingsSchema = z.object({
  METAHEAC_DATA_DIR: z.string().min(1).optional().register(SETTING_WORDS, {
    flag: '--data-dir',
    byDefault: 'required',
    description: 'Folder for the database, seeds and audiences; one service at a time.',
  }),
  METAHEAC_MODEL: z.string().min(1).optional().register(SETTING_WORDS, {
    flag: '--model',
    byDefault: 'required',
    description: 'Model folder.',
  }),
  METAHEAC_POPULATION: z.string().min(1).optional().register(SETTING_WORDS, {
    flag: '--population',
    byDefault: 'required',
    description:
      'Population folder; its current version is served. Another is taken by `POST /v1/populations/{version}/activate`.',
  }),
  METAHEAC_FOLLOW_POPULATION: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .register(SETTING_WORDS, {
      flag: '--follow-population',
      description: 'Serve each population version as soon as an import or a rollback makes it current.',
    }),
  METAHEAC_HOST: z.string().min(1).default('127.0.0.1').register(SETTING_WORDS, {
    flag: '--host',
    description: 'Address; a non-loopback address needs a key, or the service refuses to start.',
  }),
  METAHEAC_PORT: whole(0, 65_535).default(8080).register(SETTING_WORDS, {
    flag: '--port',
    description: 'Port; 0 picks a free one.',
  }),
  METAHEAC_DEVICE: z
    .string()
    .regex(/^(auto|cpu|cuda|cuda:\d{1,2})$/, 'must be auto, cpu, cuda or cuda:N')
    .default('auto')
    .register(SETTING_WORDS, {
      flag: '--device',
      description: 'Device of the engine: auto, cpu, cuda or cuda:N ([GPU](operations.md#gpu)).',
    }),
  METAHEAC_THREADS: whole(1, 256).optional().register(SETTING_WORDS, {
    flag: '--threads',
    byDefault: 'one per processor',
    description: 'Number of engine threads.',
  }),
  METAHEAC_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    // it would be in log lines
    .refine((text) => !URL.canParse(text) || new URL(text).password === '', 'must have no password')
    .optional()
    .register(SETTING_WORDS, {
      flag: '--otlp-endpoint',
      byDefault: 'none',
      description:
        'OpenTelemetry receiver (OTLP over HTTP, JSON) of traces and metrics, such as `http://127.0.0.1:4318`.',
    }),
  METAHEAC_API_KEY: z.string().min(16, 'a key must have at least 16 characters').optional().register(SETTING_WORDS, {
    byDefault: 'none',
    description: 'API key of at least 16 characters; if set, every `/v1` call needs `Authorization: Bearer`.',
  }),
  METAHEAC_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .register(SETTING_WORDS, { description: 'Log level: fatal, error, warn, info, debug, trace or silent.' }),
  METAHEAC_WEBHOOK_ALLOWED_HOSTS: allowedHosts.default([]).register(SETTING_WORDS, {
    byDefault: 'none',
    description: 'Hosts and CIDRs (`a,b,..`) that webhooks may call although they are not public; hosts over http too.',
  }),
});
