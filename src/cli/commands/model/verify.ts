/** `metaheac model verify`. */

import type { Output } from '../../../lib/output.ts';
import { GOLDEN_TOLERANCE } from '../../../model/load.ts';
import { openDevice } from '../../../model/onnx-grad.ts';
import { loadTestedModel } from '../../../online/test-expansion.ts';

export async function modelVerifyCommand(dir: string, options: { device: string }, output: Output): Promise<void> {
  const device = await openDevice(options.device);
  const {
    model: { manifest, adapted },
    tested,
  } = await loadTestedModel(dir, { device });
  output.result(
    `${manifest.name} ${manifest.version} is valid: ${Object.keys(manifest.files).length} files, ` +
      `${adapted.length} adapted parameters, golden batch of ${manifest.golden_batch.scores.length} rows ` +
      `reproduced within ${GOLDEN_TOLERANCE}, test expansion of ${tested.users} made-up users completed on ${device.detail}`,
  );
}
