/** `metaheac demo`: runs the demo with a real service, and prints to the terminal. */
import { spawn } from 'node:child_process';
import { type DemoOptions, runDemo } from '../../demo/demo.ts';
import { serve } from '../../http/serve.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logging.ts';
import type { Output } from '../../lib/output.ts';
import { openService, type ServiceOptions } from '../../service/service.ts';
import { calledAs, defaultTrainingThreads } from '../../service/settings/environment.ts';

export function demoCommand(options: Omit<DemoOptions, 'command'>, output: Output): Promise<void> {
  return runDemo(
    { ...options, command: calledAs(process.env, 'demo') },
    {
      output,
      clock: systemClock,
      trainingThreads: defaultTrainingThreads,
      run: (args, variables) =>
        spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
          env: { ...process.env, ...variables },
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      serve: async (folders) => {
        const options: ServiceOptions = {
          ...folders,
          host: '127.0.0.1',
          port: 0,
          apiKey: null,
          device: 'auto',
          threads: null,
          logLevel: 'warn',
          limits: { maximumAttempts: 3, openRankings: 8 },
          webhookAllowedHosts: [],
          logger: createLogger('warn', 'api'),
          clock: systemClock,
        };
        return serve(await openService(options), options);
      },
    },
  );
}
