/**
 * Writes audience versions to destinations. The manifest is written last and marks a version as complete, so a reader
 * never uses half a version. Writing a version again writes the same files.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Encoding, RowBlock } from '../../audience/stream/block-encoding.ts';
import { usersOf } from '../../domain/audiences.ts';
import {
  ACTIVE_FILE,
  type DeliveredFile,
  type DeliveryManifest,
  type DestinationFormat,
  type DestinationPlace,
  hasSameContents,
  MANIFEST_FILE,
  manifestOf,
  type NewDestination,
  partName,
} from '../../domain/destinations.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Audience } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { createClosedFolder } from '../../lib/files/durable-files.ts';
import { claimSibling } from '../../lib/files/temporary-sibling.ts';
import { limited } from '../../lib/limited.ts';
import { CSV_TYPE, PARQUET_TYPE } from '../../lib/media-types.ts';
import type { Population } from '../../population/read.ts';
import type { Limits } from '../limits.ts';
import type { HeldRanking, RankingReads, Rankings, RowEncoder, Side } from '../ports/rankings.ts';
import type { AddressGuard } from '../webhooks/address-guard.ts';
import type { PostResult } from '../webhooks/deliver.ts';
import { type DestinationFiles, openDestination } from './open-files.ts';
import { countWithout, type UsersOfDelivery, usersOfDelivery } from './shown-users.ts';
import { writePart } from './write-part.ts';

export interface WriterDependencies {
  readonly store: Pick<CampaignStore, 'get' | 'audienceVersion'>;
  readonly population: Population;
  readonly rankings: Rankings;
  readonly reads: RankingReads;
  readonly encoder: RowEncoder;
  readonly guard: AddressGuard;
  readonly clock: Clock;
  /** The folder below which destinations may write; null if folders cannot be destinations. */
  readonly root: string | null;
  /** A local folder for the part being written. */
  readonly scratch: string;
  readonly config: Pick<
    Limits,
    'destinationPartRows' | 'destinationWrites' | 'destinationPatienceMs' | 'streamChunkRows' | 'parquetRowGroupRows'
  >;
}

/** The outcome of a test, which writes and removes a small file. */
export interface DestinationTest {
  readonly ok: boolean;
  /** Why the file could not be written or removed; null on success. */
  readonly error: string | null;
  readonly durationMs: number;
}

/** A version that is being written. */
interface Delivery extends UsersOfDelivery {
  readonly files: DestinationFiles;
  readonly audience: Audience;
  readonly format: DestinationFormat;
  readonly cut: string | null;
  /** The folder of the version in the destination. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Errors that later attempts cannot fix. */
const FINAL: ReadonlySet<string> = new Set(['campaign_not_found', 'audience_not_found', 'cut_not_found']);

export class DestinationWriter {
  readonly #dependencies: WriterDependencies;
  readonly #whenFree: ReturnType<typeof limited>;
  /** The open files by place, so that connections are reused. */
  readonly #opened = new Map<string, Promise<DestinationFiles>>();

  constructor(dependencies: WriterDependencies) {
    this.#dependencies = dependencies;
    this.#whenFree = limited(dependencies.config.destinationWrites);
  }

  /** Checks that a destination may use a place. @throws AppError destination_refused */
  async check(place: DestinationPlace): Promise<void> {
    await this.#open(place);
  }

  /** Writes and removes a small file. */
  async test(place: DestinationPlace): Promise<DestinationTest> {
    const { clock } = this.#dependencies;
    const start = clock.elapsed();
    let error: string | null = null;
    try {
      const files = await this.#open(place);
      const name = `_probe-${randomUUID()}.json`;
      await files.put(name, Buffer.from('{}\n'));
      await files.deleteFile(name);
    } catch (fault) {
      error = messageOf(fault);
    }
    return { ok: error === null, error, durationMs: clock.elapsed() - start };
  }

  /** Writes the version that an event names. The promise never rejects. */
  async deliver(destination: NewDestination, body: string, signal: AbortSignal): Promise<PostResult> {
    const { data } = JSON.parse(body) as { data: { campaign_id: string; audience_version: number } };
    const written = this.#whenFree(() => this.#write(destination, data.campaign_id, data.audience_version, signal));
    const ended = new AbortController();
    try {
      // a call of the storage may take longer than the service waits when it stops
      await Promise.race([written, untilAborted(signal, ended.signal)]);
      return { status: null, error: null, retryAfter: null };
    } catch (error) {
      if (signal.aborted) return { status: null, error: 'aborted', retryAfter: null };
      const code = codeOf(error);
      return { status: null, error: code, retryAfter: null, isFinal: FINAL.has(code) };
    } finally {
      ended.abort();
    }
  }

  async #write(destination: NewDestination, id: string, version: number, signal: AbortSignal): Promise<void> {
    const { place, format, mode, cut, identifier } = destination;
    const { store, population } = this.#dependencies;
    const files = await this.#open(place);
    const audience = await store.audienceVersion(id, version);
    const users = usersOfDelivery(identifier, population);
    const delivery: Delivery = { ...users, files, audience, format, cut, folder: `${id}/${version}`, signal };
    const before = await manifestIn(files, delivery.folder);
    const known = before?.format === format && hasSameContents(before, delivery) ? before : null;
    const previous = await this.#previousOf(delivery, mode === 'deltas', known);
    for (const folder of [id, delivery.folder]) await files.removeLeftovers?.(folder);
    await this.#replace(delivery, before, previous);
    if ((await store.get(id)).audienceVersion === version) await putJson(files, `${id}/${ACTIVE_FILE}`, { version });
  }

  /**
   * Returns the version that this version's files are a delta of, or null if they contain all members. A version that
   * was already written keeps its kind. A new version is a delta of the previous one if the destination has that one.
   */
  async #previousOf(delivery: Delivery, isDelta: boolean, known: DeliveryManifest | null): Promise<Audience | null> {
    const { campaignId, version } = delivery.audience;
    const previous = known === null ? version - 1 : known.previous_version;
    if (previous === null || previous < 1 || (known === null && !isDelta)) return null;
    const stored = await manifestIn(delivery.files, `${campaignId}/${previous}`);
    if (stored === null || !hasSameContents(stored, delivery)) return null;
    try {
      return await this.#dependencies.store.audienceVersion(campaignId, previous);
    } catch (error) {
      if (error instanceof AppError && error.code === 'audience_not_found') return null;
      throw error;
    }
  }

  /** Writes the files that the destination does not have yet, then the manifest. */
  async #replace(delivery: Delivery, before: DeliveryManifest | null, previous: Audience | null): Promise<void> {
    const { files, folder, audience } = delivery;
    const manifestName = `${folder}/${MANIFEST_FILE}`;
    const stored = new Map((await files.list(`${folder}/`)).map(({ name, sizeBytes }) => [name, sizeBytes]));
    let isComplete = before !== null;
    const parts: DeliveredFile[] = [];
    const withdraw = async () => {
      if (isComplete) await files.deleteFile(manifestName);
      isComplete = false;
    };
    for await (const { part, path } of this.#parts(delivery, previous)) {
      parts.push(part);
      const name = `${folder}/${part.name}`;
      const isStored = before?.files.some(({ name: known, sha256 }) => known === part.name && sha256 === part.sha256);
      if (isStored && stored.get(name) === part.bytes) continue;
      await withdraw();
      await files.putFile(name, path);
    }
    const names = new Set([manifestName, ...parts.map(({ name }) => `${folder}/${name}`)]);
    for (const name of stored.keys()) {
      if (names.has(name)) continue;
      await withdraw();
      await files.deleteFile(name);
    }
    const without = await countWithout(delivery, await this.#hold(audience, delivery.cut), this.#dependencies.reads);
    const contents = { ...delivery, without_identifier: without };
    await putJson(files, manifestName, manifestOf(audience, previous?.version ?? null, contents, parts));
  }

  /** Writes the parts of a version one after another to the same local file. */
  async *#parts(
    delivery: Delivery,
    previous: Audience | null,
  ): AsyncGenerator<{ readonly part: DeliveredFile; readonly path: string }> {
    const { scratch, reads, config } = this.#dependencies;
    const { destinationPartRows: partRows, streamChunkRows: blockSize } = config;
    createClosedFolder(scratch);
    const held = [await this.#hold(delivery.audience, delivery.cut)];
    // the next part removes the files of killed processes
    const { path, release } = claimSibling(join(scratch, 'part'), 'write a part of an audience');
    try {
      const to = held[0]!.opened;
      if (previous !== null) {
        held.push(await this.#hold(previous, delivery.cut));
        const changes = reads.changeBlocks(held[1]!.opened, to, delivery.shown, blockSize);
        yield { part: await this.#writePart(path, 0, 'changes', delivery, changes), path };
        return;
      }
      const from = to.from ?? 0;
      for (let number = 0; from + number * partRows < to.size; number++) {
        const fromRank = from + number * partRows;
        const range = { size: Math.min(fromRank + partRows, to.size), holdout: to.holdout, fromRank, blockSize };
        const members = reads.memberBlocks(to.ranking, delivery.shown, range);
        yield { part: await this.#writePart(path, number, 'members', delivery, members), path };
      }
    } finally {
      release();
      for (const one of held) one.close();
    }
  }

  #writePart(
    path: string,
    number: number,
    rows: Encoding['rows'],
    { format, signal }: Delivery,
    blocks: AsyncIterable<RowBlock>,
  ): Promise<DeliveredFile> {
    const { encoder, config } = this.#dependencies;
    const encoding: Encoding =
      format === 'parquet'
        ? { rows, type: PARQUET_TYPE, rowGroupRows: config.parquetRowGroupRows }
        : { rows, type: CSV_TYPE, isSafe: false };
    return writePart(path, { name: partName(number, format), encoding, blocks, signal }, encoder);
  }

  #hold(audience: Audience, cut: string | null): Promise<HeldRanking<Side>> {
    const { folder, populationVersion } = audience;
    const { from = 0, size, holdout } = usersOf(audience, cut ?? undefined);
    const { rankings, population } = this.#dependencies;
    return rankings.hold(folder, (ranking) => {
      if (ranking.userCount > population.directory.size)
        throw new AppError('unavailable', `the population ${populationVersion} of the audience is not loaded here`);
      return { ranking, from, size, holdout };
    });
  }

  /** @throws AppError destination_refused */
  async #open(place: DestinationPlace): Promise<DestinationFiles> {
    const { root, guard, clock, config } = this.#dependencies;
    const open = () => openDestination(place, { root, guard, clock, patienceMs: config.destinationPatienceMs });
    // check a folder each time, because a link may have been created since
    if (place.kind === 'folder') return open();
    const key = JSON.stringify(place);
    const opened = this.#opened.get(key) ?? open();
    this.#opened.set(key, opened);
    opened.catch(() => this.#opened.delete(key));
    return opened;
  }
}

async function manifestIn(files: DestinationFiles, folder: string): Promise<DeliveryManifest | null> {
  const found = await files.find(`${folder}/${MANIFEST_FILE}`);
  if (found === null) return null;
  try {
    return JSON.parse(Buffer.from(found.data).toString()) as DeliveryManifest;
  } catch {
    // a foreign manifest, which is replaced
    return null;
  }
}

/** Writes a small JSON file unless it already has this content. */
async function putJson(files: DestinationFiles, name: string, value: object): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  const found = await files.find(name);
  if (found === null || !text.equals(found.data)) await files.put(name, text);
}

/** Rejects when the signal is aborted, unless `ended` is aborted first. */
function untilAborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended });
  });
}

/** The error code for the log of deliveries. The message is omitted because it may contain paths. */
function codeOf(error: unknown): string {
  if (error instanceof AppError) return String(error.facts?.['errno'] ?? error.code);
  return (error as NodeJS.ErrnoException).code ?? (error as Error).name;
}
