/** Which versions of the population a cluster needs: those that are served, that run, and that audiences have. */
import { expect, it } from 'vitest';
import { everyoneIsKnown, newCampaign, PINS } from '../../domain/contract/inputs.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { sharedStore } from './shared-store.ts';

describeWithPostgres('neededPopulations', () => {
  it('has the served version, and that of a running expansion until it ends', async () => {
    const store = await sharedStore().open();
    const cluster = store.cluster!;
    expect(await cluster.neededPopulations()).toEqual([]);
    await cluster.served.change(0, { kind: 'start', model: 'abcdefabcdef', population: '012345678901' });
    const { id, expansionId } = await store.create(newCampaign(), everyoneIsKnown);
    const job = (await store.claim('1:owner'))!;
    await store.pin(job, PINS);
    expect((await cluster.neededPopulations()).toSorted()).toEqual(['012345678901', PINS.populationVersion].toSorted());
    expect((await cluster.neededModels()).toSorted()).toEqual(['abcdefabcdef', PINS.modelVersion].toSorted());
    await store.cancel(id, expansionId!);
    expect(await cluster.neededModels()).toEqual(['abcdefabcdef']);
    expect(await cluster.neededPopulations()).toEqual(['012345678901']);
  });
});
