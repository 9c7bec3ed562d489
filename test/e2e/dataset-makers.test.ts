/**
 * The commands that make data sets of what people have, as they are run: results, refusals, and that training reads
 * them.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metaheac } from '../cli/in-process.ts';
import { rawTencent } from '../dataset/converters/raw-tencent.ts';
import { smallLog } from '../dataset/converters/small-log.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const folder = temporaryFolder();

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const FILES = ['campaigns.ndjson', 'dataset.json', 'interactions.csv', 'users.ndjson'];

describe('metaheac dataset interactions', () => {
  it('makes a data set for training and evaluation', async () => {
    const log = write(
      'log.csv',
      ['user;item;day', ...smallLog().map((row) => row.replaceAll(',', ';')), ''].join('\n'),
    );
    const out = join(folder, 'made');
    const made = await metaheac(
      ...['dataset', 'interactions', '--in', log, '--out', out, '--user', 'user', '--item', 'item', '--time', 'day'],
      ...['--minimum-users', '36', '--campaigns', '8', '--seeds', '5,15', '--test-share', '0.25'],
    );
    expect(made.status, made.stderr).toBe(0);
    expect(made.stdout.split('\n')[0]).toBe(
      `${out}: 60 users, 6 train campaigns, 2 test campaigns (1 small, 1 large), 480 interactions`,
    );
    expect(made.stdout).toMatch(/^ {2}8 campaigns are drawn from 9 items with at least 36 users$/m);
    expect(readdirSync(out).sort()).toEqual(FILES);

    const model = join(folder, 'model');
    const tiny = ['--task-count', '2', '--num-expert', '2', '--num-output', '2', '--embedding', '4', '--steps', '1'];
    const run = ['--data', out, '--device', 'cpu'];
    const trained = await metaheac('train', ...run, '--out', model, '--threads', '1', ...tiny);
    expect(trained.status, trained.stderr).toBe(0);
    const evaluated = await metaheac('evaluate', ...run, '--model', model, '--repeats', '1', '--json');
    expect(evaluated.status, evaluated.stderr).toBe(0);
    expect(JSON.parse(evaluated.stdout).groups.all.campaigns).toBe(2);
  });

  it('refuses unreadable input in one line, and writes nothing', async () => {
    const log = write('bad.csv', 'user,item,day\nu1,a,2026-01-01\nu2,b,01/02/2026\n');
    const out = join(folder, 'refused');
    const base = ['dataset', 'interactions', '--in', log, '--out', out, '--user', 'user', '--item'];
    for (const [args, message] of [
      [['item', '--time', 'day'], `metaheac: ${log}:3: "01/02/2026" is not a time`],
      [['product'], `metaheac: --item: ${log} has no column "product"; it has user, item, day`],
    ] as const) {
      const { status, stdout, stderr } = await metaheac(...base, ...args);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr.split('\n').filter((line) => line.startsWith('metaheac: '))[0]).toContain(message);
    }
    const { status, stderr } = await metaheac(...base, 'item', '--seeds', '200,50');
    expect(status).toBe(2);
    expect(stderr).toContain('--seeds');
    expect(readdirSync(folder).filter((name) => name.startsWith('refused'))).toEqual([]);
  });
});

describe('metaheac dataset movielens', () => {
  it('makes a data set from a download with headers', async () => {
    const ratings = smallLog().map((row) => row.replace(/^u(\d+),(\w+),(.*)$/, '$1,$2,4,$3'));
    write('ratings.csv', ['userId,movieId,rating,timestamp', ...ratings, ''].join('\n'));
    write('movies.csv', 'movieId,title,genres\ncamp1,"One, The (1990)",Drama|War\ncamp2,Two (2001),War\n');
    const out = join(folder, 'films');
    const choice = ['--minimum-users', '36', '--campaigns', '8', '--seeds', '5'];
    const made = await metaheac('dataset', 'movielens', '--in', folder, '--out', out, ...choice);
    expect(made.status, made.stderr).toBe(0);
    expect(made.stdout).toContain(`${out}: 60 users, 5 train campaigns, 3 test campaigns, `);
    const campaigns = readFileSync(join(out, 'campaigns.ndjson'), 'utf8');
    expect(campaigns).toContain('{"campaign_id":"mcamp1","decade":"1990s","genres":["Drama","War"],"split":"train"}');
    const again = await metaheac('dataset', 'movielens', '--in', folder, '--out', out, ...choice);
    expect([again.status, again.stderr]).toEqual([1, `metaheac: ${out} already exists\n`]);
  });
});

describe('metaheac dataset tencent', () => {
  it('makes a data set from the raw files, and names a missing file', async () => {
    const raw = temporaryFolder();
    const files = Object.entries(rawTencent());
    for (const [name, text] of files.slice(1)) writeFileSync(join(raw, name), text);
    const out = join(folder, 'ads');
    const args = ['dataset', 'tencent', '--in', raw, '--out', out, '--threshold', '30', '--minimum-users', '10'];
    const lacking = await metaheac(...args);
    expect([lacking.status, lacking.stdout]).toEqual([1, '']);
    expect(lacking.stderr).toMatch(/^metaheac: .* has no adFeature\.csv, .*https:\/\/algo\.qq\.com/m);
    expect(existsSync(out)).toBe(false);
    writeFileSync(join(raw, files[0]![0]), files[0]![1]);
    const made = await metaheac(...args);
    expect(made.status, made.stderr).toBe(0);
    expect(made.stdout).toContain(
      `${out}: 100 users, 4 train campaigns, 4 test campaigns (2 small, 2 large), 640 interactions\n`,
    );
    expect(readdirSync(out).sort()).toEqual(FILES);
  });
});
