/** Which token is a campaign's own. */
import { describe, expect, it } from 'vitest';
import { createVocabulary } from '../../src/model/vocabulary.ts';
import { ownToken } from '../../src/online/own-token.ts';

const trained = { vocabularies: new Map([['user.past_campaigns', createVocabulary(['c1', 'c2'])]]) };

describe('ownToken', () => {
  it('is the token of the campaign among past campaigns', () => {
    expect(ownToken(trained, 'c2')).toEqual({ feature: 'past_campaigns', id: 2 });
  });

  it('is null without an id, of an id that the model does not know, and of a model without past campaigns', () => {
    expect(ownToken(trained, null)).toBeNull();
    expect(ownToken(trained, 'c3')).toBeNull();
    const without = { vocabularies: new Map([['user.tags', createVocabulary(['c1'])]]) };
    expect(ownToken(without, 'c1')).toBeNull();
  });
});
