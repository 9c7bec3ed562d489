/** Named Fastify plugins that apply to every request or route, and that declare which plugins must come first. */
import type { FastifyBaseLogger, FastifyPluginAsync, RawServerDefault } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import type { ServerApp, ZodTypeProvider } from './fastify-types.ts';

/** A plugin without its own scope. Its hooks apply to everything that is registered later. */
export type Plugin<N extends object> = FastifyPluginAsync<N, RawServerDefault, ZodTypeProvider, FastifyBaseLogger>;

/** Creates a plugin that Fastify refuses to register before the plugins in `after`. */
export function definePlugin<N extends object>(
  name: string,
  after: readonly string[],
  add: (app: ServerApp, needs: N) => void | Promise<void>,
): Plugin<N> {
  const plugin: Plugin<N> = async (app, needs) => add(app, needs);
  return fastifyPlugin(plugin, { name, fastify: '5.x', dependencies: [...after] });
}
