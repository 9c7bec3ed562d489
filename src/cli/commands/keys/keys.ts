/** The commands `metaheac keys ..` and `metaheac audit`. */
import { type Command, Option } from 'commander';
import { SCOPES } from '../../../domain/api-keys.ts';
import type { Output } from '../../../lib/output.ts';
import { addExample } from '../../help.ts';
import { durationMs, instant, labelTexts } from '../../options.ts';
import { addDataDir, addSettings } from '../../settings.ts';
import { CLUSTER, chosenStore } from '../chosen-store.ts';

const MADE = { isMade: true };

export function addKeyCommands(program: Command, output: Output): void {
  const keys = program
    .command('keys')
    .description(
      'API keys of a data folder or, with --store and --blobs, of a cluster; running services apply changes at once',
    );
  addExample(
    addDataDir(keys.command('create'), 'data folder of a service, created if it does not exist', CLUSTER)
      .description('create an API key and print the key, which is never shown again')
      .requiredOption('--name <name>', 'who or what uses the key')
      .addOption(new Option('--scope <scope>', 'what the key may do').choices(SCOPES).default('read'))
      .option('--label <key=text>', 'restrict the key to campaigns with this label; may be repeated', labelTexts, {})
      .option(
        '--expires-in <duration>',
        'how long the key is valid, such as 90d, 12h or 30m (default: forever)',
        durationMs,
      )
      .action(async (dir, options) =>
        (await import('./commands.ts')).keysCreateCommand(chosenStore(dir, options, MADE), options, output),
      ),
    'metaheac keys create --data-dir data-dir --name ads --scope read --expires-in 90d',
  );
  addExample(
    addDataDir(keys.command('list'), undefined, CLUSTER)
      .description('list API keys, newest first: id, scope, state, name, labels')
      .option('--json', 'print one JSON object')
      .action(async (dir, options) =>
        (await import('./commands.ts')).keysListCommand(chosenStore(dir, options), options, output),
      ),
    'metaheac keys list --data-dir data-dir',
  );
  addExample(
    addSettings(keys.command('revoke'), ['METAHEAC_DATA_DIR', ...CLUSTER])
      .description('revoke an API key: the next request with the key is refused')
      .usage('[options] [data-dir] <id>')
      .argument('<id...>', 'the start of the key (mh_ and 12 digits), optionally preceded by a data folder')
      .action(async (words: readonly string[], options, command: Command) => {
        if (words.length > 2) command.error('error: only one key can be revoked at a time');
        const dir = words.length === 2 ? words[0] : undefined;
        await (await import('./commands.ts')).keysRevokeCommand(chosenStore(dir, options), words.at(-1)!, output);
      }),
    'metaheac keys revoke --data-dir data-dir mh_123456789012',
  );
  addExample(
    addDataDir(program.command('audit'), undefined, CLUSTER)
      .description(
        'print the audit log of a data folder, or of a cluster, as NDJSON, oldest first: which key changed what',
      )
      .option('--since <time>', 'print entries from this time on, such as 2026-11-26 or 2026-11-26T12:00:00Z', instant)
      .option('--until <time>', 'print entries before this time', instant)
      .action(async (dir, options) =>
        (await import('./commands.ts')).auditCommand(chosenStore(dir, options), options, output),
      ),
    'metaheac audit --data-dir data-dir --since 2026-11-26',
  );
}
