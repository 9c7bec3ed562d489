/**
 * Finds the methods that a path supports. Fastify treats an unsupported method like an unknown route, but RFC 9110
 * requires 405 with Allow.
 */
import type { ServerApp } from './fastify-types.ts';

/**
 * Collects the routes that are registered later. The returned function finds the methods of a path; an unknown path has
 * none.
 */
export function allowedMethods(app: ServerApp): (path: string) => readonly string[] {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', (route) => {
    routes.push({ pattern: patternOf(route.url), methods: [route.method].flat() });
  });
  return (path) => {
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  };
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    if (part === '*') return '.*';
    return part.replace(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
