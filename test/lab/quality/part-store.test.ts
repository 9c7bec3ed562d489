/** Results that are kept after a run. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPartStore } from '../../../packages/lab/quality/part-store.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const root = temporaryFolder();

describe('openPartStore', () => {
  it('finds what was stored under an equal key, or under any', () => {
    const folder = join(root, 'set');
    openPartStore(folder).keep('main', { steps: 5 }, { auc: 0.75 });
    const again = openPartStore(folder);
    expect(again.find('main', { steps: 5 })).toEqual({ auc: 0.75 });
    expect(again.find('main')).toEqual({ auc: 0.75 });
    expect(again.find('main', { steps: 6 })).toBeNull();
    expect(again.find('curve')).toBeNull();
  });
});
