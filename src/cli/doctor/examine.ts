/** Looks at everything that `serve` needs, and changes nothing. */
import type { Clock } from '../../lib/clock.ts';
import type { ServiceEnvironment, Settings } from '../environment.ts';
import { namesOf } from '../setting-list.ts';
import { examineKey, examinePort, examineSecrets } from './access.ts';
import { examineBinding, examineLoading, examineModel, examinePopulation } from './artefacts.ts';
import { examineDataFolder, examineSpace } from './data-folder.ts';
import { type Finding, failed } from './finding.ts';
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

export interface Patient {
  readonly settings: Settings;
  readonly machine: Machine;
  readonly clock: Clock;
  /** This process's; null where the system has none. */
  readonly userId: number | null;
}

/** In the order of the report: folders, machine, network. */
export async function examine({ settings, machine, clock, userId }: Patient): Promise<readonly Finding[]> {
  const { values } = settings;
  const { METAHEAC_DATA_DIR: dataDir, METAHEAC_MODEL: model, METAHEAC_POPULATION: population } = values;
  const folder = dataDir === undefined ? null : await examineDataFolder(dataDir, userId, clock.now());
  const ofModel = model === undefined ? null : await examineModel(model);
  const base = ofModel?.model?.manifest.version ?? null;
  const promoted = dataDir === undefined ? null : await examinePromoted(dataDir, base);
  // what serve takes
  const taken = promoted?.served?.model ?? ofModel?.model ?? null;
  const ofPopulation = population === undefined ? null : await examinePopulation(population);
  const users = ofPopulation?.manifest?.directory.count ?? 0;
  const isRunning = folder?.isTaken ?? false;
  const threads = values.METAHEAC_THREADS ?? machine.processors;
  const modelBytes = (promoted?.served ?? ofModel)?.sizeBytes ?? 0;
  const cacheBytes = values.limits.rankingMemoryBytes;
  const newest = Math.max(createdAt(taken?.manifest.created), ofPopulation?.publishedAt ?? 0);
  return [
    ...(folder?.findings ?? [notGiven('data folder', 'METAHEAC_DATA_DIR')]),
    ...(dataDir === undefined ? [] : [examineSpace(dataDir, users, folder?.campaigns ?? 0)]),
    ...(ofModel?.findings ?? [notGiven('model', 'METAHEAC_MODEL')]),
    ...(promoted?.findings ?? []),
    ...(taken === null ? [] : await examineLoading(taken.path)),
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
}

function notGiven(check: string, variable: keyof ServiceEnvironment & string): Finding {
  const { flag, key } = namesOf(variable);
  return failed(check, 'not given', `Name it: ${flag}, ${variable}, or ${key} in a configuration file.`);
}

/** In ms since 1970; 0 if it is not known. */
function createdAt(text: string | undefined): number {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? 0 : at;
}
