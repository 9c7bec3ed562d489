/** The model, data and settings of an evaluation, as a list of terms. */
import type { Manifest } from '../../model/manifest.ts';
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { escapeText } from './svg.ts';

export function settings(report: EvaluationReport, manifest: Manifest): string {
  const training = scalars(manifest.training ?? {});
  const chosen = Object.entries(report.chosen).map(
    ([method, { setting }]) => `${method}: ${listed(Object.entries(setting))}`,
  );
  const groups = Object.entries(report.groups).map(([name, { campaigns }]) => `${campaigns} ${name}`);
  const skipped = report.skipped_campaigns.map(({ id, reason }) => `${id} (${reason})`);
  const rows: [string, readonly string[]][] = [
    ['model', [`${manifest.name}, version ${manifest.version}, made ${manifest.created}`]],
    ['training', training.length > 0 ? [listed(training)] : []],
    [
      'adaptation',
      [
        JSON.stringify(manifest.adaptation)
          .replaceAll('"', '')
          .replaceAll(/([,:])/g, '$1 ')
          .slice(1, -1),
      ],
    ],
    ['features of a user', [manifest.features.user.map(({ name }) => name).join(', ')]],
    ['features of a campaign', [manifest.features.campaign.map(({ name }) => name).join(', ') || 'none']],
    ['data set', [report.dataset]],
    ['test campaigns', [groups.join(', ')]],
    ['skipped', skipped],
    ['repeats, seed', [`${report.repeats}, ${report.seed}`]],
    ['chosen on train campaigns', chosen],
    ['interval', ['95 %, percentile bootstrap of the mean over campaigns, 2,000 resamples']],
  ];
  const shown = rows.filter(([, values]) => values.length > 0);
  const items = shown.map(
    ([term, values]) => `<dt>${escapeText(term)}</dt><dd>${values.map(escapeText).join('<br>')}</dd>`,
  );
  return `<dl>\n${items.join('\n')}\n</dl>`;
}

/** The entries of the manifest's `training` that are single values. */
function scalars(training: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(training).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
}

function listed(entries: readonly (readonly [string, unknown])[]): string {
  return entries.map(([name, value]) => `${name} ${value}`).join(', ');
}
