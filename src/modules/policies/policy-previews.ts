import { ConflictException, Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { previewRule } from '../../core/fatigue/preview-rule.js';
import { DAY_MS, SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { findQuiet } from '../../core/quiet-hours/next-allowed-instant.js';
import { placesElsewhere } from '../../core/users/places-elsewhere.js';
import { resolveJurisdictions } from '../../core/users/resolve-jurisdictions.js';
import { resolveZones } from '../../core/users/resolve-zones.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { toMs } from './definition-fields.js';
import type { PreviewRequest, PreviewView } from './preview.dto.js';
import { PreviewRepository, type PastContact, type Whereabouts } from './preview.repository.js';
import { PreviewTally } from './preview-tally.js';
import { toCapRule, toQuietRule } from './to-rules.js';

/** Less than what clients wait for an answer. */
const PREVIEW_MS_MAX: DurationMs = 45 * SECOND_MS;
/** Nobody is written to so often; whoever seems to be would fill the memory. */
const CONTACTS_OF_A_USER_MAX = 50_000;
/** The longest local day, week and month there are, with room for a change of clocks and for zones apart. */
const CALENDAR_REACH_MS = { day: 2 * DAY_MS, week: 9 * DAY_MS, month: 33 * DAY_MS } as const;
const RULE = { id: 'preview', version: 1 };

/** Where a person is taken to be. */
interface Place {
  readonly zones: readonly string[];
  readonly jurisdictions: readonly string[];
  readonly placesElsewhere: ReturnType<typeof placesElsewhere>;
}

/** Which of one user's contacts a rule would have stopped. */
interface Judge {
  readonly stopped: (contacts: readonly PastContact[], place: Place) => readonly PastContact[];
  /** How far before the period contacts matter to it. */
  readonly reachMs: DurationMs;
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
    const judge = judgeOf(definition);
    const tally = new PreviewTally();
    let ofUser: PastContact[] = [];
    let person: Whereabouts | undefined;
    const closeUser = (): void => {
      const stopped = new Set(judge.stopped(ofUser, this.placeOf(person)));
      tally.addUser(
        ofUser.filter(({ at }) => at > from),
        stopped,
      );
      ofUser = [];
    };
    await this.past.read({ from: from - judge.reachMs, until, share: sample }, (contacts, whereabouts) => {
      if (stopwatch.elapsedMs() > PREVIEW_MS_MAX) throw tooLarge();
      for (const contact of contacts) {
        if (ofUser[0] !== undefined && ofUser[0].userId !== contact.userId) closeUser();
        if (ofUser.length === 0) person = whereabouts.get(contact.userId);
        if (ofUser.push(contact) > CONTACTS_OF_A_USER_MAX) throw tooLarge();
      }
    });
    closeUser();
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

function judgeOf(definition: PreviewRequest['definition']): Judge {
  if (definition.kind === 'cap') {
    const rule = toCapRule(RULE, definition);
    const { window } = definition;
    return {
      stopped: (contacts, { zones }) => previewRule({ rule, contacts, zones }),
      reachMs: window.kind === 'calendar' ? CALENDAR_REACH_MS[window.unit] : toMs(window.duration),
    };
  }
  const rules = [{ ...toQuietRule(RULE, definition), effectiveFrom: null, effectiveUntil: null }];
  return {
    stopped: (contacts, place) =>
      contacts.filter(({ channel, purpose, at }) => findQuiet({ rules, ...place, channel, purpose, at }) !== null),
    reachMs: 0,
  };
}

function tooLarge(): UnprocessableEntityException {
  const detail = 'there are too many contacts to go through at once: set sample to a share of the users, or fewer days';
  return new UnprocessableEntityException({ code: 'PREVIEW_TOO_LARGE', detail });
}
