#!/usr/bin/env node
// The command of the installed package: the build in dist/, run as it is. Written so that old versions of Node can read
// it, and say what is missing.

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
  // onnxruntime-node 1.30 reports its use to Microsoft unless it is told not to, and writes logs of that into the
  // temporary folder
  if (process.env.ORT_DISABLE_TELEMETRY === undefined) process.env.ORT_DISABLE_TELEMETRY = '1';
  await import('../dist/src/cli/main.js');
}
