/** Vocabularies. */
import { describe, expect, it } from 'vitest';
import { createVocabulary, vocabularyPath } from '../../src/model/vocabulary.ts';

describe('createVocabulary', () => {
  it('counts ids from 1 in the order of the tokens, and knows unknown and empty as 0', () => {
    const vocabulary = createVocabulary(['red', 'blue']);
    expect(vocabulary.size).toBe(3);
    expect(['red', 'blue', 'green', ''].map(vocabulary.find)).toEqual([1, 2, 0, 0]);
  });

  it.each(['constructor', '__proto__', 'toString'])('does not know "%s" unless it is a token', (token) => {
    expect(createVocabulary(['a']).find(token)).toBe(0);
    expect(createVocabulary(['a', token]).find(token)).toBe(2);
  });
});

describe('vocabularyPath', () => {
  it('is one file a side and feature, inside vocabulary/, whatever the name', () => {
    expect(vocabularyPath('user', 'age')).toBe('vocabulary/user.age.json');
    expect(vocabularyPath('campaign', '../x/y')).toBe('vocabulary/campaign...%2Fx%2Fy.json');
    expect(vocabularyPath('user', 'ü b')).toBe('vocabulary/user.%C3%BC%20b.json');
  });
});
