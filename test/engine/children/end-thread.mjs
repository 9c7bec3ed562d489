/** Preloaded into an engine: SIGUSR2 ends one of its threads, as a crash of that thread would. */
process.on('worker', (worker) => {
  process.once('SIGUSR2', () => worker.terminate());
});
