/** `metaheac population list`, `show`, `diff`, `prune` and `rollback`. */
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import { mebibytes } from '../../../lib/text/counted.ts';
import {
  diffPopulations,
  openPopulation,
  summariseVersions,
  type VersionSummary,
  versionBefore,
} from '../../../population/read.ts';
import { makeCurrent, pruneVersions } from '../../../population/update.ts';

export function populationListCommand(dir: string, options: { json?: boolean }, output: Output): void {
  const versions = summariseVersions(dir);
  if (options.json) {
    output.result(JSON.stringify({ versions: versions.map(presentVersion) }));
    return;
  }
  for (const one of versions) output.result(`${one.isCurrent ? '*' : ' '} ${describeVersion(one)}`);
  const newest = versions.find(({ isNewest }) => isNewest);
  if (newest && !newest.isCurrent)
    output.note(`the next update builds on the newest version, ${newest.version}, not on the current version`);
}

export function populationShowCommand(dir: string, options: { version?: string }, output: Output): void {
  const population = openPopulation(dir, options.version === undefined ? {} : { version: options.version });
  const summary = summariseVersions(dir).find(({ version }) => version === population.version)!;
  output.result(describeVersion(summary));
  const { deadRows, segments, sharedSegments } = summary;
  const dead = deadRows === 0 ? '' : `, ${deadRows} dead rows`;
  output.result(`  ${segments} segments, ${sharedSegments} of them shared with other versions${dead}`);
  for (const { name, kind, size, sensitive } of population.features) {
    const tokens = hasTokens(kind) ? `, ${population.dictionary(name).size - 1} tokens ever imported` : '';
    const what = size === undefined ? tokens : ` of ${size}`;
    output.result(`  ${name}: ${kind}${what}${sensitive ? ', sensitive' : ''}`);
  }
}

export function populationDiffCommand(dir: string, before: string, after: string, output: Output): void {
  const [a, b] = [before, after].map((version) => openPopulation(dir, { version }));
  const diff = diffPopulations(a!, b!);
  output.result(
    `users: ${diff.added} added, ${diff.removed} removed, ${diff.kept} in both, ${diff.changed} of them changed`,
  );
  for (const name of diff.addedFeatures) output.result(`  ${name}: only in ${after}`);
  for (const name of diff.removedFeatures) output.result(`  ${name}: only in ${before}`);
  for (const [name, count] of diff.changedByFeature) if (count > 0) output.result(`  ${name}: ${count} users changed`);
}

export function populationPruneCommand(dir: string, options: { keep: number }, output: Output): void {
  const gone = pruneVersions(dir, options.keep);
  for (const version of gone) output.result(`removed ${version}`);
  if (gone.length === 0) output.note('nothing to remove');
}

export function populationRollbackCommand(dir: string, options: { to?: string }, output: Output): void {
  const version = options.to ?? versionBefore(dir);
  makeCurrent(dir, version);
  output.result(`version ${version} is current: a service will serve it after its next restart`);
}

function describeVersion({ version, publishedAt, users, knownUsers, bytes }: VersionSummary): string {
  return `${version}  ${new Date(publishedAt).toISOString()}  ${users} users (${knownUsers} ever)  ${mebibytes(bytes)}`;
}

function presentVersion(summary: VersionSummary) {
  const { version, isCurrent, isNewest, publishedAt, users, knownUsers, bytes, features } = summary;
  return {
    version,
    current: isCurrent,
    newest: isNewest,
    published_at: new Date(publishedAt).toISOString(),
    users,
    known_users: knownUsers,
    bytes,
    dead_rows: summary.deadRows,
    segments: summary.segments,
    shared_segments: summary.sharedSegments,
    features,
  };
}
