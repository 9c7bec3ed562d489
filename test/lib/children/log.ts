/** Logs a little, and ends at once: the lines must be there nevertheless. */
import { createLogger } from '../../../src/lib/logging.ts';

const logger = createLogger('info', 'child');
logger.debug('not this');
logger.info({ headers: { authorization: 'Bearer secret' }, req: { headers: { authorization: 'secret' } } }, 'hello');
logger.error({ err: new Error('broken') }, 'sorry');
process.exit(0);
