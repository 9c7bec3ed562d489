#!/usr/bin/env node
// The command of the installed package: the build in dist/, run as it is.

import { requireOpenFiles } from './open-files.mjs';

requireOpenFiles();

// onnxruntime-node 1.30 reports its use to Microsoft unless it is told not to, and writes logs of that into the
// temporary folder
process.env.ORT_DISABLE_TELEMETRY ??= '1';
await import('../dist/cli/main.js');
