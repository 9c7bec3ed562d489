/** The commands `metaheac keys ..` and `metaheac audit`. */
import { type Command, Option } from 'commander';
import { SCOPES } from '../../../domain/api-keys.ts';
import type { Output } from '../../../lib/output.ts';
import { durationMs, instant, labelTexts } from '../../options.ts';

export function addKeyCommands(program: Command, output: Output): void {
  const keys = program.command('keys').description('API keys of a data folder; a running service heeds them at once');
  keys
    .command('create')
    .description('create a key, and print it: it is never shown again')
    .argument('<data-dir>', 'data folder; made if it is not there')
    .requiredOption('--name <name>', 'who or what uses it')
    .addOption(new Option('--scope <scope>', 'what it may do').choices(SCOPES).default('read'))
    .option('--label <key=text>', 'it only sees campaigns with this label; may be given again', labelTexts, {})
    .option('--expires-in <duration>', 'how long it is accepted, as 90d, 12h or 30m (default: for ever)', durationMs)
    .action(async (dir, options) => (await import('./create.ts')).keysCreateCommand(dir, options, output));
  keys
    .command('list')
    .description('list the keys, newest first: id, scope, state, name, labels')
    .argument('<data-dir>', 'data folder')
    .option('--json', 'print one JSON object')
    .action(async (dir, options) => (await import('./list.ts')).keysListCommand(dir, options, output));
  keys
    .command('revoke')
    .description('revoke a key: the next request with it is refused')
    .argument('<data-dir>', 'data folder')
    .argument('<id>', 'what the key begins with: mh_ and 12 digits')
    .action(async (dir, id) => (await import('./revoke.ts')).keysRevokeCommand(dir, id, output));
  program
    .command('audit')
    .description('print the audit log of a data folder as NDJSON, oldest first: which key changed what')
    .argument('<data-dir>', 'data folder')
    .option('--since <time>', 'entries of this time or later, as 2026-11-26 or 2026-11-26T12:00:00Z', instant)
    .option('--until <time>', 'entries of before this time', instant)
    .action(async (dir, options) => (await import('./audit.ts')).auditCommand(dir, options, output));
}
