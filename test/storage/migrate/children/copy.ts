/** Copies a store, and ends like a killed process when its progress first contains a text. */
import { migrateStore } from '../../../../src/storage/open-store.ts';

const [from, to, end] = JSON.parse(process.argv[2]!);
await migrateStore(from, to, {
  onProgress: (text) => {
    if (text.includes(end)) process.kill(process.pid, 'SIGKILL');
  },
});
