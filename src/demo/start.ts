/** Starts what the demo sends its campaign to: a single service, or a cluster. */
import type { Clock } from '../lib/clock.ts';
import { ApiClient } from './api-client.ts';
import { DemoCluster, type RunCommand } from './cluster.ts';

/** A running service to which the demo sends requests. */
export interface DemoService {
  readonly url: string;
  readonly engineReady: Promise<void>;
  close(): Promise<void>;
}

export interface StartDependencies {
  readonly clock: Clock;
  /** Starts a service on a free port of the loopback interface. */
  serve(folders: {
    readonly dataDir: string;
    readonly model: string;
    readonly population: string;
  }): Promise<DemoService>;
  /** Starts a process of a cluster. */
  readonly run: RunCommand;
}

interface StepDependencies extends StartDependencies {
  /** Called when a step is finished. */
  readonly say: (line: string) => void;
  /** Registers a function that is called at the end; the last registered function is called first. */
  readonly defer: (close: () => Promise<void>) => void;
}

/** Where the demo sends its campaign, and where it reads the campaign's audience. */
export interface Target {
  readonly client: ApiClient;
  readonly reader: ApiClient;
  /** Called with the id of the campaign, as soon as it is known. */
  readonly onAccepted: (campaign: string) => void;
}

/** Starts a service, and waits until it is ready. `folder` contains the population. */
export async function startService(folder: string, model: string, starting: StepDependencies): Promise<Target> {
  const { serve, clock, say, defer } = starting;
  const service = await serve({ dataDir: `${folder}/data-dir`, model, population: `${folder}/population` });
  defer(() => service.close());
  await service.engineReady;
  const client = new ApiClient(service.url, clock);
  const { model_version, parts } = await client.readiness();
  // only the summary is shown, without the reason for the choice of device
  const device = parts.find(({ name }) => name === 'engine')?.detail.split(' (')[0];
  say(`${service.url} is ready: model ${model_version}, engine on ${device}`);
  return { client, reader: client, onAccepted: () => {} };
}

/** Starts a cluster. Its first node accepts the campaign, and its second node answers with the audience. */
export async function startCluster(folder: string, model: string, starting: StepDependencies): Promise<Target> {
  let accepted: string | null = null;
  const cluster = await DemoCluster.start(folder, model, starting);
  cluster.killWhileExpanding(() => accepted);
  const [client, reader] = cluster.urls.map((url) => new ApiClient(url, starting.clock)) as [ApiClient, ApiClient];
  const onAccepted = (id: string) => {
    accepted = id;
  };
  return { client, reader, onAccepted };
}
