// Preloaded into an engine (`--import`): SIGUSR2 starts a profile of its first thread, and a second SIGUSR2 ends it and
// writes it to the file that BENCH_PROFILE names, followed by the process id.
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';

const SAMPLE_EVERY_MICROSECONDS = 500;

if (isMainThread) {
  const session = new Session();
  let isRunning = false;
  process.on('SIGUSR2', () => {
    if (!isRunning) {
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROSECONDS });
      session.post('Profiler.start');
      isRunning = true;
      return;
    }
    isRunning = false;
    session.post('Profiler.stop', (error, result) => {
      session.disconnect();
      const file = `${process.env.BENCH_PROFILE}-${process.pid}.json`;
      writeFileSync(`${file}.new`, JSON.stringify(error ?? result.profile));
      // whoever waits for the file sees all of it
      renameSync(`${file}.new`, file);
    });
  });
}
