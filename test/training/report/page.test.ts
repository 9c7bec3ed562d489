/** The page of an evaluation, and the files that are written. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../../src/training/report/page.ts';
import { prepareOutputs, writePage, writePlots } from '../../../src/training/report/write.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { checkWellFormed, smallManifest, smallReport } from './small-report.ts';

const report = smallReport();
const page = renderPage(report, smallManifest());

describe('renderPage', () => {
  it('is self-contained: no script, nothing to fetch', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\((?!#)|\bsrc=|\bon[a-z]+=|javascript:/i);
    expect([...page.matchAll(/https?:\/\/[^"\s]*/g)].map(([url]) => url)).toEqual(
      Array(4).fill('http://www.w3.org/2000/svg'),
    );
  });

  it('closes elements in order, and repeats no id', () => {
    const body = page.slice(page.indexOf('<body>'), page.indexOf('</html>')).replaceAll('<br>', '');
    checkWellFormed(body);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, named] of page.matchAll(/aria-labelledby="([^"]+)"/g))
      for (const id of named!.split(' ')) expect(ids).toContain(id);
  });

  it('is equal for equal arguments: it contains no durations', () => {
    expect(renderPage(smallReport(), smallManifest())).toBe(page);
    const slower = { ...report, seconds: { metaheac: 99 }, seconds_per_campaign: 98 };
    expect(renderPage(slower, smallManifest())).toBe(page);
  });

  it('has every number in a table', () => {
    const { auc } = report.methods['centroid']!.small!;
    const { auc: ahead } = report.differences['centroid']!.small!;
    const recall = report.curves['random']![3]!.recall;
    const cell = (mean: number, low: number, high: number, digits: number) =>
      `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
    expect(page).toContain(`>${cell(auc.mean, auc.low, auc.high, 3)}<`);
    expect(ahead.low).toBeGreaterThan(0);
    const plus = [ahead.mean, ahead.low, ahead.high].map((x) => `+${x.toFixed(4)}`);
    expect(page).toContain(`<b>${plus[0]} [${plus[1]}, ${plus[2]}]</b>`);
    expect(page).toContain(`>${cell(recall.mean, recall.low, recall.high, 3)}<`);
    for (const { id, auc: aucs } of report.campaigns) {
      expect(page).toContain(`<th scope="row">${id}</th>`);
      expect(page).toContain(aucs['metaheac']!.toFixed(3));
    }
  });

  it('says in words how metaheac compares with the strongest other method', () => {
    const say = (methods: Record<string, number>) =>
      /Compared with <b>other<\/b>, [^<]*/.exec(renderPage(smallReport({ methods }), smallManifest()))![0];
    expect(say({ metaheac: 2, other: 0.5, random: 0 })).toMatch(
      /is clearly ahead in AUC \(\+0\..* and clearly ahead in precision/,
    );
    expect(say({ metaheac: 0.5, other: 2, random: 0 })).toMatch(
      /is clearly behind in AUC \(−0\..* and clearly behind in precision/,
    );
    const same = smallReport({ methods: { metaheac: 1, other: 1 } });
    const none = { mean: 0, low: 0, high: 0 };
    const level = { ...same, differences: { other: { all: { auc: none, precision: { '0.05': none } } } } };
    expect(renderPage(level, smallManifest())).toContain('is not clearly different in AUC (0.0000 [0.0000, 0.0000])');
  });

  it('escapes names', () => {
    const evil = '<img src=x onerror="alert(1)">&';
    const drawn = renderPage(
      { ...smallReport({ methods: { metaheac: 1, [evil]: 0.9 }, dataset: evil }), model: evil },
      smallManifest(evil),
    );
    expect(drawn).not.toContain('<img');
    expect(drawn).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;');
    checkWellFormed(drawn.slice(drawn.indexOf('<body>'), drawn.indexOf('</html>')).replaceAll('<br>', ''));
  });

  it('is written for one campaign, and for metaheac with a random order only', () => {
    for (const one of [smallReport({ campaigns: 1 }), smallReport({ methods: { metaheac: 1, random: 0 }, rows: 50 })])
      expect(renderPage(one, smallManifest())).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the files', () => {
  let root = '';
  beforeAll(() => {
    root = temporaryFolder();
  });

  it('are written to new folders, and replace existing files', () => {
    const [file, plots] = [join(root, 'a', 'b', 'page.html'), join(root, 'plots', 'here')];
    prepareOutputs(file, plots);
    expect([existsSync(join(root, 'a', 'b')), existsSync(file), existsSync(plots)]).toEqual([true, false, true]);
    writeFileSync(file, 'old');
    writePage(file, report, smallManifest());
    expect(readFileSync(file, 'utf8')).toBe(page);
    const names = ['recall.svg', 'lift.svg', 'differences.svg', 'seeds.svg'];
    for (let again = 0; again < 2; again++) {
      expect(writePlots(plots, report)).toEqual(names.map((name) => join(plots, name)));
      expect(readdirSync(plots).sort()).toEqual([...names].sort());
    }
    for (const name of names) checkWellFormed(readFileSync(join(plots, name), 'utf8'));
    expect(readdirSync(join(root, 'a', 'b'))).toEqual(['page.html']);
  });

  it('are refused before anything is measured if they cannot be written', () => {
    const folder = join(root, 'folder.html');
    mkdirSync(folder);
    expect(() => prepareOutputs(folder, undefined)).toThrow(`${folder} is a folder: --report needs the path of a file`);
    writeFileSync(join(root, 'file'), '');
    for (const [file, plots] of [
      [join(root, 'file', 'page.html'), undefined],
      [undefined, join(root, 'file')],
    ] as const)
      expect(() => prepareOutputs(file, plots)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    expect(() => prepareOutputs(undefined, undefined)).not.toThrow();
  });
});
