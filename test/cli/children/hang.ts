/** A process that hangs when it was told to stop: something keeps it alive for ever. */
import { untilSignal } from '../../../src/cli/commands/serve/signals.ts';
import { createLogger } from '../../../src/lib/logging.ts';

setInterval(() => {}, 1_000);
const told = untilSignal(300, createLogger('info', 'test'));
process.stdout.write('waits\n');
await told;
process.stdout.write('stops\n');
