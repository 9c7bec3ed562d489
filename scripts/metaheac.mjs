#!/usr/bin/env node
// The command of the installed package, which runs the build in dist/. Old versions of Node can read this file and
// report that they are too old.
import { fileURLToPath } from 'node:url';

/** The `engines` of package.json. */
const LEAST_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) >= LEAST_MAJOR) start();
else {
  console.error(
    'metaheac needs Node ' +
      LEAST_MAJOR +
      ' or newer, this is ' +
      process.versions.node +
      ': install it from https://nodejs.org',
  );
  process.exitCode = 1;
}

async function start() {
  const { requireOpenFiles } = await import('./open-files.mjs');
  requireOpenFiles();
  // without this, onnxruntime-node 1.30 reports its use to Microsoft, and writes logs of that into the temporary folder
  if (process.env.ORT_DISABLE_TELEMETRY === undefined) process.env.ORT_DISABLE_TELEMETRY = '1';
  // code is compiled once, not at every start of every process; a folder that cannot be written has no cache
  const { enableCompileCache } = await import('node:module');
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../.cache', import.meta.url));
  enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import('../dist/src/cli/main.js');
}
