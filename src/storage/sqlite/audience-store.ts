/** The port of audience versions on SQLite. */
import type { Audiences } from '../../domain/ports/audiences.ts';
import type { Audience, Changes, Page, PageQuery } from '../../domain/types.ts';
import type { AudienceRows } from './audience-rows.ts';
import type { CampaignRows } from './campaign-rows.ts';
import { listChanges } from './change-rows.ts';
import type { Connection } from './connection.ts';
import { write } from './database.ts';
import type { EventLog } from './event-log.ts';

/** What it is made of. */
interface Parts {
  readonly campaigns: CampaignRows;
  readonly audiences: AudienceRows;
  readonly events: EventLog;
}

export class SqliteAudiences implements Audiences {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  activeAudience(id: string): Audience {
    return this.#parts.audiences.active(id);
  }

  activeAudiences(): readonly Audience[] {
    return this.#parts.audiences.allActive();
  }

  audienceVersion(id: string, version: number): Audience {
    return this.#parts.audiences.version(id, version);
  }

  audienceVersions(id: string, query: PageQuery): Page<Audience> {
    return this.#parts.audiences.list(id, query);
  }

  activate(id: string, version: number): Audience {
    const { campaigns, audiences, events } = this.#parts;
    write(this.#connection.database, () => {
      const number = campaigns.getNumber(id);
      const before = campaigns.get(id);
      const now = this.#connection.options.clock.now();
      audiences.activate(number, version, now);
      events.tellOfAnother('campaign.activated', number, before, campaigns.get(id), now);
    });
    return this.activeAudience(id);
  }

  changes(since: string | undefined, limit: number): Changes {
    return listChanges(this.#connection.database, since, limit);
  }
}
