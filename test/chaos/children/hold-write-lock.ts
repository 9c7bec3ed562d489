/** A process that holds the write lock of a database for some time: `hold-write-lock.ts <database> <milliseconds>`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';

const database = connect(process.argv[2]!, { timeout: 5000 });
database.exec('BEGIN IMMEDIATE');
await sleep(Number(process.argv[3]));
database.exec('ROLLBACK');
database.close();
