/** `metaheac openapi`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { openApiYaml } from '../../http/app.ts';
import { AppError } from '../../lib/errors.ts';
import type { Output } from '../../lib/output.ts';

export async function openApiCommand(options: { out?: string; check?: string }, output: Output): Promise<void> {
  // a missing file is reported before the document is generated
  const checked = options.check === undefined ? null : readFileSync(options.check, 'utf8');
  const document = await openApiYaml();
  if (checked !== null) {
    if (checked !== document) {
      throw new AppError(
        'invalid_argument',
        `${options.check} differs from the routes; regenerate the file with npm run openapi`,
      );
    }
    output.note(`${options.check} matches the routes`);
  } else if (options.out !== undefined) writeFileSync(options.out, document);
  else output.result(document.trimEnd());
}
