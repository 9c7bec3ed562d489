/** Tiny files in the raw format of the Tencent look-alike data. */

/** Ads 0 to 3 have 40 seeds, 4 to 7 have 20, 8 has 5; each 50 others. Users 1 to 100. */
export function rawTencent(): Record<'adFeature.csv' | 'userFeature.data' | 'train.csv' | 'test1_truth.csv', string> {
  const users = Array.from({ length: 100 }, (_, i) => {
    const fields = [`uid ${i + 1}`, `age ${1 + (i % 4)}`, `interest1 ${i + 1} ${i + 2} ${i + 3}`];
    return [...fields, ...(i % 2 ? [`kw1 ${20 * i} ${20 * i + 1}`] : [])].join('|');
  });
  const ads = Array.from({ length: 30 }, (_, n) => `${n},${n % 3},${1000 + n},${n % 2}`);
  const shown: string[] = [];
  for (let n = 0; n < 9; n++) {
    const members = n < 4 ? 40 : n < 8 ? 20 : 5;
    for (let i = 0; i < members + 50; i++) shown.push(`${n},${1 + ((7 * n + i) % 100)},${i < members ? 1 : -1}`);
  }
  const half = Math.floor(0.6 * shown.length);
  const text = (lines: readonly string[]) => `${lines.join('\n')}\n`;
  return {
    'adFeature.csv': text(['aid,advertiserId,creativeId,productType', ...ads]),
    'userFeature.data': text(users),
    'train.csv': text(['aid,uid,label', ...shown.slice(0, half)]),
    'test1_truth.csv': text(shown.slice(half)),
  };
}
