/** Logs a few lines and ends at once: the lines must not be lost. */
import { createLogger } from '../../../src/lib/logging.ts';

const logger = createLogger('info', 'child');
logger.debug('not this');
logger.info({ headers: { authorization: 'Bearer secret' }, req: { headers: { authorization: 'secret' } } }, 'hello');
logger.error({ err: new Error('broken') }, 'sorry');
process.exit(0);
