/** The receipt that an engine makes of a ranking. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/lib/text/canonical-json.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

describe('a receipt', () => {
  it('is signed, and has the hashes of the seeds, the model, the population and the files of the ranking', async () => {
    const rig = await startRig(world);
    const id = await rig.create(campaign, { externalId: 'shoes' });
    const { expansionId } = await rig.ended(id);
    const folder = await rig.folderOf(id);
    const { signature, ...statement } = await rig.store.receipts.receiptOf(id, 1);
    const key = await rig.store.receipts.key();
    const isSigned = (value: object) =>
      verify(
        null,
        Buffer.from(canonicalJson(value)),
        createPublicKey(key.publicKey),
        Buffer.from(signature.value, 'base64'),
      );
    expect(signature).toMatchObject({ algorithm: 'Ed25519', key_id: key.id });
    expect([isSigned(statement), isSigned({ ...statement, candidates: 1 })]).toEqual([true, false]);
    const fileSum = (file: string) => sha256(readFileSync(join(folder, file)));
    const {
      version: modelVersion,
      created,
      ...model
    } = JSON.parse(readFileSync(join(world.model, 'manifest.json'), 'utf8'));
    const { inputs } = statement;
    const { version, ...population } = JSON.parse(
      readFileSync(join(world.population, inputs.population.version, 'population.json'), 'utf8'),
    );
    expect(statement).toMatchObject({ campaign_id: id, expansion_id: expansionId });
    expect(inputs).toEqual({
      external_id: 'shoes',
      features: campaign.features,
      filters: {},
      negative_weight: 1,
      sets: {
        seeds: sha256(
          [...new Set(campaign.seeds)]
            .sort()
            .map((seed) => `${seed}\n`)
            .join(''),
        ),
      },
      model: { version: modelVersion, sha256: sha256(canonicalJson(model)) },
      population: { version, sha256: sha256(canonicalJson(population)), erased: { users: 0, sha256: sha256('') } },
    });
    expect(statement.outputs).toEqual({
      scores: fileSum('scores.f32'),
      order: fileSum('order.u32'),
      parameters: fileSum('customised.bin'),
    });
  });
});
