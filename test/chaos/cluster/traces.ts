/** Finds the ids of erased users in everything that the cluster stores. */
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3Client } from '../../fixture/s3.ts';
import type { Stage } from './stage.ts';

/** Sets are named by their bytes and hold ids; the objects of this folder are looked at before an erasure. */
const SETS = 'seeds/';

/** Where an id is: names of tables, and keys of objects, whatever their version. */
export async function tracesOf(stage: Pick<Stage, 'postgres' | 's3' | 'prefix'>, ids: readonly string[]) {
  return [...(await inDatabase(stage, ids)), ...(await inObjects(stage, `${stage.prefix}/`, ids))];
}

/** The keys of the sets that hold an id. */
export function setsWith(stage: Pick<Stage, 's3' | 'prefix'>, id: string): Promise<string[]> {
  return inObjects(stage, `${stage.prefix}/${SETS}`, [id]);
}

async function inDatabase({ postgres }: Pick<Stage, 'postgres'>, ids: readonly string[]): Promise<string[]> {
  const tables = await postgres.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  const found: string[] = [];
  for (const { name } of tables)
    for (const id of ids) {
      const text = `SELECT count(*)::int AS count FROM ${name} t WHERE strpos(t::text, '${id}') > 0`;
      const [row] = await postgres.query<{ count: number }>(text);
      if (row!.count > 0) found.push(`${id} in ${row!.count} rows of the table ${name}`);
    }
  return found;
}

async function inObjects({ s3 }: Pick<Stage, 's3'>, below: string, ids: readonly string[]): Promise<string[]> {
  const client = s3Client({ endpoint: s3.endpoint, credentials: s3 });
  try {
    const traces: string[] = [];
    for await (const { Key, VersionId, IsLatest } of versionsOf(client, s3.bucket, below)) {
      const command = new GetObjectCommand({ Bucket: s3.bucket, Key, VersionId });
      const found = await client.send(command).catch((error: Error) => {
        // it was removed since it was listed
        if (error.name === 'NoSuchVersion') return null;
        throw error;
      });
      if (found === null) continue;
      const bytes = Buffer.from(await found.Body!.transformToByteArray());
      const which = IsLatest ? '' : ' (a former version)';
      traces.push(...ids.filter((id) => bytes.includes(id)).map((id) => `${id} in the object ${Key}${which}`));
    }
    return traces;
  } finally {
    client.destroy();
  }
}

async function* versionsOf(client: S3Client, Bucket: string, Prefix: string) {
  let next: Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'> | null = {};
  while (next !== null) {
    const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({ Bucket, Prefix, ...next });
    const page = await client.send(command);
    yield* page.Versions ?? [];
    next = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : null;
  }
}
