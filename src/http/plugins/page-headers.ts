/** Headers of HTML pages, by @fastify/helmet: other sites may not frame them, and they load nothing from elsewhere. */
import fastifyHelmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import type { ServerApp } from './fastify-types.ts';

const NONE = ["'none'"];
const SELF = ["'self'"];

/** The sources that a page may load, by directive of its content security policy. */
type Directives = Readonly<Record<string, string[]>>;

/** Pages in a single file with inline style. */
const PLAIN_PAGE: Directives = { 'default-src': NONE, 'style-src': ["'unsafe-inline'"] };

/** Pages with scripts: those of Swagger UI are files of this service, and its styles are partly in attributes. */
const SCRIPTED_PAGE: Directives = {
  'default-src': NONE,
  'script-src': SELF,
  'style-src': [...SELF, "'unsafe-inline'"],
  'img-src': [...SELF, 'data:'],
  'font-src': [...SELF, 'data:'],
  'connect-src': SELF,
};

/** The console: its scripts, styles and data come from this service, and nothing is inline. */
const CONSOLE: Directives = {
  'default-src': SELF,
  'script-src': SELF,
  'style-src': SELF,
  'img-src': [...SELF, 'data:'],
  'connect-src': SELF,
  'object-src': NONE,
};

const PAGES = { plain: PLAIN_PAGE, scripted: SCRIPTED_PAGE, console: CONSOLE } as const;

/**
 * Adds routes that return pages of one kind. They have their own scope, whose hooks do not run for the API: it has no
 * pages, and `x-content-type-options` is on every response anyway.
 */
export async function addPages(
  app: ServerApp,
  kind: keyof typeof PAGES,
  addRoutes: (scope: ServerApp) => void | Promise<void>,
): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyHelmet, optionsOf(PAGES[kind]));
    await addRoutes(scope);
  });
}

function optionsOf(directives: Directives): FastifyHelmetOptions {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { ...directives, 'base-uri': NONE, 'form-action': NONE, 'frame-ancestors': NONE },
    },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // browsers respect it only over TLS, which ends at a proxy; a setting that binds the host name for years is left to
    // the proxy's operator
    strictTransportSecurity: false,
  };
}
