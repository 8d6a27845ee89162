import { ConflictException, Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { DAY_MS, SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { placesElsewhere } from '../../core/users/places-elsewhere.js';
import { resolveJurisdictions } from '../../core/users/resolve-jurisdictions.js';
import { resolveZones } from '../../core/users/resolve-zones.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { judgeOf, type Place } from './preview-judges.js';
import type { PreviewRequest, PreviewView } from './preview.dto.js';
import {
  PreviewRepository,
  type Past,
  type PastContact,
  type PastOutcome,
  type Whereabouts,
} from './preview.repository.js';
import { PreviewTally } from './preview-tally.js';

/** Less than what clients wait for an answer. */
const PREVIEW_MS_MAX: DurationMs = 45 * SECOND_MS;
/** Nobody is written to so often, nor reacts so often; whoever seems to would fill the memory. */
const ENTRIES_OF_A_USER_MAX = 50_000;

/** What is read of one user until the next one comes. */
interface OpenUser {
  readonly userId: string;
  readonly person: Whereabouts | undefined;
  readonly contacts: PastContact[];
  readonly outcomes: PastOutcome[];
}

/** Puts together what is read in parts: hands each user over when all of it is there. */
class UsersOneByOne {
  private open: OpenUser | null = null;

  constructor(private readonly close: (user: OpenUser) => void) {}

  /** @throws UnprocessableEntityException PREVIEW_TOO_LARGE */
  add({ entries, whereabouts }: Past): void {
    for (const entry of entries) {
      const { userId } = entry;
      if (this.open?.userId !== userId) this.end();
      this.open ??= { userId, person: whereabouts.get(userId), contacts: [], outcomes: [] };
      const count = entry.state === null ? this.open.outcomes.push(entry) : this.open.contacts.push(entry);
      if (count > ENTRIES_OF_A_USER_MAX) throw tooLarge();
    }
  }

  /** No more comes of the last user. */
  end(): void {
    if (this.open !== null) this.close(this.open);
    this.open = null;
  }
}

/** Tries rules that are only thought of on contacts that were really made. */
@Injectable()
export class PolicyPreviews {
  private isUnderWay = false;

  constructor(
    private readonly past: PreviewRepository,
    @Inject(CONFIG) private readonly config: Pick<Config, 'workspace'>,
  ) {}

  /**
   * How many contacts of the last days would this rule have stopped? It is taken to have held alone, in the zone that
   * each user has today, and to have been in force so long before the period that its window was filled. Reads user by
   * user, so that memory stays small, and only one preview at a time, so that decisions keep their connections.
   *
   * @throws ConflictException PREVIEW_UNDER_WAY, UnprocessableEntityException PREVIEW_TOO_LARGE
   */
  async preview(request: PreviewRequest): Promise<PreviewView> {
    if (this.isUnderWay) {
      throw new ConflictException({ code: 'PREVIEW_UNDER_WAY', detail: 'another preview is under way: try again' });
    }
    this.isUnderWay = true;
    try {
      return await this.tally(request);
    } finally {
      this.isUnderWay = false;
    }
  }

  private async tally({ definition, days, sample }: PreviewRequest): Promise<PreviewView> {
    const stopwatch = new Stopwatch();
    const until = await this.past.now();
    const from = until - days * DAY_MS;
    const { stopped, reachMs, outcomes } = judgeOf(definition);
    const tally = new PreviewTally();
    const users = new UsersOneByOne(({ person, ...past }) => {
      if (past.contacts.length === 0) return;
      tally.addUser(
        past.contacts.filter(({ at }) => at > from),
        new Set(stopped({ ...past, place: this.placeOf(person) })),
      );
    });
    await this.past.read({ from: from - reachMs, until, share: sample, outcomes }, (past) => {
      if (stopwatch.elapsedMs() > PREVIEW_MS_MAX) throw tooLarge();
      users.add(past);
    });
    users.end();
    return {
      ...tally.counts(),
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
      took_ms: Math.round(stopwatch.elapsedMs()),
    };
  }

  private placeOf(person: Whereabouts | undefined): Place {
    const { timezone = null, contextTimezone = null, phone = null, jurisdiction = null } = person ?? {};
    const { zones } = resolveZones({
      profileZone: timezone,
      contextZone: contextTimezone,
      phone,
      jurisdiction,
      workspaceZone: this.config.workspace.timezone,
    });
    const jurisdictions = resolveJurisdictions({ profileJurisdiction: jurisdiction, phone });
    return { zones, jurisdictions, placesElsewhere: placesElsewhere({ zones, jurisdictions }) };
  }
}

function tooLarge(): UnprocessableEntityException {
  const detail = 'there are too many contacts to go through at once: set sample to a share of the users, or fewer days';
  return new UnprocessableEntityException({ code: 'PREVIEW_TOO_LARGE', detail });
}
