/** Checks of the containers of a cluster: their settings and commands are those of the program and of the image. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { readSettings, VARIABLES } from '../../src/service/settings/environment.ts';
import { ROOT } from '../architecture/files.ts';

export const dockerfile = readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8');
const ENTRYPOINT = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!);

/** Of the AWS SDK (its reference of settings). */
const AWS_VARIABLES = ['AWS_REGION', 'AWS_SHARED_CREDENTIALS_FILE'];
/** The contents of secrets by the names of their files. */
export const SECRETS: Readonly<Record<string, string>> = {
  store: 'postgres://metaheac:secret@postgres/metaheac',
  api_key: '0123456789abcdef',
  metrics_key: 'a-key-for-metrics-only',
  aws_credentials: '[default]',
};

/** The variables of the `cpu` image. */
const ofImage = Object.fromEntries(
  /^ENV (.*METAHEAC_DATA_DIR.*)$/m
    .exec(dockerfile)![1]!
    .split(' ')
    .map((pair) => pair.split('=')),
) as Record<string, string>;

/**
 * Reads settings as a container does that starts with `command`, with files in place of its secrets.
 * @throws if one is refused
 */
export function settingsOf(command: readonly string[], environment: Readonly<Record<string, string>>, folder: string) {
  const unset = command.flatMap((word) => /^--unset=(\w+)$/.exec(word)?.[1] ?? []);
  const all = Object.entries({ ...ofImage, ...environment }).filter(([name]) => !unset.includes(name));
  const values = all.map(([name, value]) => {
    if (!name.startsWith('METAHEAC_') || !name.endsWith('_FILE')) return [name, value];
    const secret = basename(value).replaceAll('-', '_');
    expect(Object.keys(SECRETS)).toContain(secret);
    writeFileSync(join(folder, secret), SECRETS[secret]!);
    return [name, join(folder, secret)];
  });
  if (!command.includes('--eval')) expect(command.slice(command.indexOf('node'))).toEqual(ENTRYPOINT);
  return readSettings(Object.fromEntries(values)).values;
}

/** A member of a cluster has no folders of its own but the cache. */
export function expectMember(values: ReturnType<typeof settingsOf>, blobs: string): void {
  const { METAHEAC_STORE: store, METAHEAC_DATA_DIR, METAHEAC_MODEL, METAHEAC_POPULATION } = values;
  expect([store, values.METAHEAC_BLOBS]).toEqual([SECRETS['store'], blobs]);
  expect([METAHEAC_DATA_DIR, METAHEAC_MODEL, METAHEAC_POPULATION]).toEqual([undefined, undefined, undefined]);
}

export function expectKnown(names: readonly string[]): void {
  for (const name of names) expect([...VARIABLES, ...AWS_VARIABLES]).toContain(name);
}

/** The program has the command, and the command has the options. */
export function expectCommand([name, ...words]: readonly string[]): void {
  const nowhere = { write: () => true };
  const program = createProgram({ note: () => {} } as never, nowhere as never, nowhere as never);
  const command = program.commands.find((each) => each.name() === name);
  expect(command, name).toBeDefined();
  for (const word of words.filter((each) => each.startsWith('--')))
    expect(command!.options.map(({ long }) => long)).toContain(word);
}
