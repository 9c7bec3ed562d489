/** Named plugins, which apply to every request or route, with the plugins that must come before them. */
import type { FastifyBaseLogger, FastifyPluginAsync, RawServerDefault } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { ServerApp, ZodTypeProvider } from './fastify-types.ts';

/** A plugin registered without its own scope: its hooks apply to everything registered after it. */
export type Plugin<N extends object> = FastifyPluginAsync<N, RawServerDefault, ZodTypeProvider, FastifyBaseLogger>;

/** A plugin that Fastify refuses to register before those in `after`. */
export function definePlugin<N extends object>(
  name: string,
  after: readonly string[],
  add: (app: ServerApp, needs: N) => void | Promise<void>,
): Plugin<N> {
  const plugin: Plugin<N> = async (app, needs) => add(app, needs);
  return fastifyPlugin(plugin, { name, fastify: '5.x', dependencies: [...after] });
}
