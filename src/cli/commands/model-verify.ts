/** `metaheac model verify`. */

import type { Output } from '../../lib/output.ts';
import { GOLDEN_TOLERANCE, loadModel } from '../../model/load.ts';
import { parseDevice, resolveDevice } from '../../runtime/session.ts';

export async function modelVerifyCommand(dir: string, options: { device: string }, output: Output): Promise<void> {
  const device = await resolveDevice(parseDevice(options.device));
  const { manifest, adapted } = await loadModel(dir, { device });
  output.result(
    `${manifest.name} ${manifest.version} is valid: ${Object.keys(manifest.files).length} files, ` +
      `${adapted.length} adapted parameters, golden batch of ${manifest.golden_batch.scores.length} rows ` +
      `reproduced to ${GOLDEN_TOLERANCE} on ${device.detail}`,
  );
}
