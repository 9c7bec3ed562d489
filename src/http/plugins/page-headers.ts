/**
 * Security headers of HTML pages, set with @fastify/helmet. Other sites may not frame the pages, and pages load nothing
 * from other sites.
 */
import fastifyHelmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import type { ServerApp } from './fastify-types.ts';

const NONE = ["'none'"];
const SELF = ["'self'"];

/** Sources that a page may load, by directive of the content security policy. */
type Directives = Readonly<Record<string, string[]>>;

/** Policy of pages that are a single file with inline style. */
const PLAIN_PAGE: Directives = { 'default-src': NONE, 'style-src': ["'unsafe-inline'"] };

/**
 * Policy of the Swagger UI pages. Their scripts are files of this service, and their styles are partly in attributes.
 */
const SCRIPTED_PAGE: Directives = {
  'default-src': NONE,
  'script-src': SELF,
  'style-src': [...SELF, "'unsafe-inline'"],
  'img-src': [...SELF, 'data:'],
  'font-src': [...SELF, 'data:'],
  'connect-src': SELF,
};

/** Policy of the console. Its scripts, styles and data come from this service, and nothing is inline. */
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
 * Adds routes that return pages of one kind. The routes have their own Fastify scope, so the hooks of helmet do not run
 * for the API, which sets `x-content-type-options` itself.
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
    // browsers respect HSTS only over TLS, which ends at a proxy, so the operator of the proxy decides about HSTS
    strictTransportSecurity: false,
  };
}
