/** Writes a file or moves a folder aside beside a target, says where, and runs until it is killed. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimSibling } from '../../../src/lib/files/temporary-sibling.ts';

/** Longer than any test waits. */
const LONG_MS = 600_000;

const [target, what] = process.argv.slice(2) as [string, 'writes' | 'replaces'];
const { path, aside } = claimSibling(target, 'write it');
mkdirSync(path);
writeFileSync(join(path, 'half'), 'written');
if (what === 'replaces') renameSync(target, aside);
process.stdout.write(`${process.pid} ${path}\n`);
setTimeout(() => {}, LONG_MS);
