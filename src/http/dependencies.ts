/** Dependencies of routes: the service and the configuration of the server. */
import type { ServicePorts } from '../service/ports/service.ts';
import type { ServerConfig } from './config.ts';

export interface ServerDependencies extends ServicePorts {
  readonly config: ServerConfig;
}
