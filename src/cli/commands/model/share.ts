/** `metaheac model publish` and `pull`. */
import { systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { publishModelFolder, pullModel } from '../../../model/published.ts';
import { loadTestedModel } from '../../../online/test-expansion.ts';
import { openBlobFiles, requireUsableBlobs } from '../../../storage/open-store.ts';

/** Publishes a model for all hosts, after verifying it as the service would. */
export async function modelPublishCommand(dir: string, blobs: string, output: Output): Promise<void> {
  await requireUsableBlobs(blobs, systemClock);
  await loadTestedModel(dir);
  const { version, files } = await publishModelFolder(await openBlobFiles(blobs, systemClock), dir);
  output.result(`published model ${version}: stored ${files} files`);
}

/** Copies a published model into a folder of models. */
export async function modelPullCommand(
  version: string,
  blobs: string,
  { out }: { readonly out: string },
  output: Output,
): Promise<void> {
  const path = await pullModel(await openBlobFiles(blobs, systemClock), version, out);
  output.result(`model ${version} is in ${path}`);
}
