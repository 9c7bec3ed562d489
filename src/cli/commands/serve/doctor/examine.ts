/** Examines everything that `serve` needs, and changes nothing. */
import type { Clock } from '../../../../lib/clock.ts';
import type { ServiceEnvironment, Settings } from '../../../../service/settings/environment.ts';
import { namesOf } from '../../../../service/settings/setting-list.ts';
import { START_CHECKS, type StartCheck } from '../../../../service/start-checks.ts';
import { examineKey, examinePort, examineSecrets } from './access.ts';
import { examineBinding, examineModel, examinePopulation } from './artefacts.ts';
import { examineCluster } from './cluster.ts';
import { examineDataFolder, examineSpace } from './data-folder.ts';
import { type Finding, failed, fine } from './finding.ts';
import {
  examineClock,
  examineDevice,
  examineMemory,
  examineNode,
  examineOpenFiles,
  examineProcessors,
  type Machine,
} from './machine.ts';
import { examinePromoted } from './promoted.ts';
import { findRefusals, NEEDED_TO_LOAD, startOf, withRefusals } from './refusals.ts';

export interface Patient {
  readonly settings: Settings;
  readonly machine: Machine;
  readonly clock: Clock;
  /** The user id of this process; null if the system has no user ids. */
  readonly userId: number | null;
  /** The startup checks to run; all of them by default. */
  readonly checks?: readonly StartCheck[];
}

/**
 * Collects findings in the order of the report: folders, machine, network. A finding about something that would keep
 * `serve` from starting has the error message that `serve` would print.
 */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { settings, machine, checks = START_CHECKS } = patient;
  if (settings.values.METAHEAC_STORE !== undefined) return examineMember(patient);
  const { found, hasKeys } = await lookAt(patient);
  const start = startOf(settings, machine.openFiles);
  if (start === null) return found;
  const known = new Set(found.filter(({ status }) => status === 'failed').map(({ check }) => check));
  const refusals = await findRefusals(start, checks, hasKeys, known);
  const isAsked = checks.some(({ check }) => check === 'model loads');
  const isTried =
    isAsked && !NEEDED_TO_LOAD.some((check) => known.has(check) || refusals.some((refusal) => refusal.check === check));
  return withRefusals(isTried ? withLoading(found) : found, refusals);
}

/** Examines what a node or an engine of a cluster needs. */
async function examineMember({ settings, machine, clock }: Patient): Promise<readonly Finding[]> {
  const { values } = settings;
  const threads = values.METAHEAC_THREADS ?? machine.processors;
  const { findings, keys } = await examineCluster(values, clock);
  return [
    ...findings,
    examineNode(machine),
    examineProcessors(machine, threads),
    examineOpenFiles(machine, values.limits, threads),
    ...(await examineDevice(values.METAHEAC_DEVICE)),
    ...(await examineKey(settings, keys)),
    examineSecrets(settings),
    await examinePort(settings, false),
  ];
}

/**
 * Adds a finding about a trial load of the model, after the findings about models. If the startup check fails, its
 * finding is reported instead.
 */
function withLoading(found: readonly Finding[]): readonly Finding[] {
  const at = found.findIndex(({ check }) => check === 'promoted models') + 1;
  const loading = fine('model loads', 'one thread reproduced the golden batch and ran a test expansion');
  return [...found.slice(0, at), loading, ...found.slice(at)];
}

/** Collects the findings of doctor itself, without the startup checks. */
async function lookAt({
  settings,
  machine,
  clock,
  userId,
}: Patient): Promise<{ readonly found: readonly Finding[]; readonly hasKeys: boolean }> {
  const { values } = settings;
  const { METAHEAC_DATA_DIR: dataDir, METAHEAC_MODEL: model, METAHEAC_POPULATION: population } = values;
  const folder = dataDir === undefined ? null : await examineDataFolder(dataDir, userId, clock.now());
  const ofModel = model === undefined ? null : await examineModel(model);
  const base = ofModel?.model?.manifest.version ?? null;
  const promoted = dataDir === undefined ? null : await examinePromoted(dataDir, base);
  // the model that serve would load
  const taken = promoted?.served?.model ?? ofModel?.model ?? null;
  const ofPopulation = population === undefined ? null : await examinePopulation(population);
  const users = ofPopulation?.manifest?.directory.count ?? 0;
  const isRunning = folder?.isTaken ?? false;
  const threads = values.METAHEAC_THREADS ?? machine.processors;
  const modelBytes = (promoted?.served ?? ofModel)?.sizeBytes ?? 0;
  const cacheBytes = values.limits.rankingMemoryBytes;
  const newest = Math.max(createdAt(taken?.manifest.created), ofPopulation?.publishedAt ?? 0);
  const found = [
    ...(folder?.findings ?? [notGiven('data folder', 'METAHEAC_DATA_DIR')]),
    ...(dataDir === undefined ? [] : [examineSpace(dataDir, users, folder?.campaigns ?? 0)]),
    ...(ofModel?.findings ?? [notGiven('model', 'METAHEAC_MODEL')]),
    ...(promoted?.findings ?? []),
    ...(ofPopulation?.findings ?? [notGiven('population', 'METAHEAC_POPULATION')]),
    ...(taken && ofPopulation?.isWhole ? await examineBinding(taken, population!) : []),
    examineNode(machine),
    examineProcessors(machine, threads),
    examineMemory(machine, { users, modelBytes, threads, cacheBytes }, isRunning),
    examineOpenFiles(machine, values.limits, threads),
    ...(await examineDevice(values.METAHEAC_DEVICE)),
    examineClock(clock.now(), newest),
    ...(await examineKey(settings, folder?.keys ?? null)),
    examineSecrets(settings),
    await examinePort(settings, isRunning),
  ];
  return { found, hasKeys: (folder?.keys?.made ?? 0) > 0 };
}

function notGiven(check: string, variable: keyof ServiceEnvironment & string): Finding {
  const { flag, key } = namesOf(variable);
  return failed(check, 'not given', `Set ${flag}, ${variable}, or ${key} in a configuration file.`);
}

/** A time in milliseconds since 1970; 0 if the text is not a time. */
function createdAt(text: string | undefined): number {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? 0 : at;
}
