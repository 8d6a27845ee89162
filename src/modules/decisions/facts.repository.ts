import { Inject, Injectable } from '@nestjs/common';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import type { Rival, RunConflict, SendingPause, UserHold } from '../../core/decisions/types.js';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import type { Outcome } from '../../core/fatigue/outcome.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Suppression } from '../../core/suppression/suppression.js';
import { Batches } from '../../platform/concurrency/batches.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Queryable } from '../../platform/database/database.js';
import { domainOfSender } from '../sending-domains/index.js';
import type { ProfileFacts, UserReference } from '../users/index.js';
import type { Horizons } from './horizons.js';
import { isRunOver, JOURNEY_STATUS, WENT_ITS_WAY } from './run-over.js';

/** Which facts a decision needs. */
export interface FactsQuery {
  readonly user: UserReference;
  /** Null when no run asks. */
  readonly run: {
    readonly runKey: string;
    readonly stepId: string;
    readonly visit: number;
    /** An operator asks: a run that came to its end by itself counts as if it went on. Left out: the run asks. */
    readonly isReplay?: boolean;
  } | null;
  readonly clockDomain: string;
  /** Virtual runs bring their own time; null lets the database's clock decide. */
  readonly now: InstantMs | null;
  /** How far back contacts and outcomes are read. */
  readonly horizons: Horizons;
  /** Also suppressions that were lifted, to tell what was in force at an earlier instant. */
  readonly withLifted?: boolean;
}

/** A suppression with its end by hand, which only facts of an earlier instant ask for. */
type StoredSuppression = Suppression & { readonly liftedAt?: InstantMs | null };

export interface UserFacts extends ProfileFacts {
  readonly id: string;
  readonly emailHash: string | null;
  readonly phoneHash: string | null;
  /** The device to which notifications go, as deliveries keep it; left out where devices were not asked for. */
  readonly pushAddress?: string | null;
  readonly pushHash?: string | null;
  /** Where the person's device says it is. */
  readonly contextTimezone: string | null;
  readonly isErased: boolean;
}

type RunState = 'active' | 'paused' | 'exited';

/** What a run brings into a decision of its own. */
export interface RunFacts {
  readonly state: RunState;
  /** The whole journey is; left out: it is not. */
  readonly isJourneyPaused?: boolean;
  readonly conflict: RunConflict | null;
  /** When this visit of the step asked for the first time; null when it has not asked yet. */
  readonly askedAt: InstantMs | null;
  readonly beatenBy: string | null;
  readonly otherRuns: readonly (RunConflict & { readonly runKey: string; readonly journeyKey: string })[];
  readonly rivals: readonly Rival[];
}

/** Everything about one person that a decision rests on, read in one statement and so in one snapshot. */
export interface Facts {
  readonly now: InstantMs;
  /** Of the definitions that belong to this snapshot. */
  readonly definitionsVersion: number;
  readonly isKillSwitchOn: boolean;
  /** Null, or left out: the domain of the sender is not paused. */
  readonly sendingPause?: SendingPause | null;
  readonly user: UserFacts | null;
  /** Null, or left out: nobody holds the person back. */
  readonly hold?: UserHold | null;
  /** Null when no run asks, and for a run that was never entered or was taken back. */
  readonly run: RunFacts | null;
  readonly consents: readonly ConsentRecord[];
  readonly suppressions: readonly StoredSuppression[];
  /** Newest first. */
  readonly contacts: readonly Contact[];
  /** What was reported of contacts, newest first; that they were sent or failed is told by the contacts themselves. */
  readonly outcomes: readonly Outcome[];
}

/** More than any cap allows; who reaches it within the window of a cap is not decided about. */
export const CONTACTS_READ_MAX = 2_000;
const OUTCOMES_READ_MAX = 4_000;
/** A person is in a handful of journeys at once; of more, those that rank first are weighed. */
const RUNS_READ_MAX = 100;
const BATCHES = { sizeMax: 32, underWayMax: 2 };

const ms = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`;
const list = (select: string): string => `coalesce((select json_agg(item) from (${select}) item), '[]')`;

// In all of these: $1 the person, $2 the clock domain, $3 now or null, $4 the domain of the sender; `person` and `moment`
// are rows of the statement.

/** Whether a run may go on. */
const runState = (isPaused: string, isEnded?: string): string => `case
    when ${isRunOver({ domain: '$2', now: 'moment.now' }, isEnded)} then 'exited'
    when ${isPaused} then 'paused' else 'active' end`;
const IS_PAUSED = 'entry.paused_at is not null';
const RUN_STATE = runState(IS_PAUSED);
const REPLAYED_RUN_STATE = runState(IS_PAUSED, `(entry.ended_at is not null and not ${WENT_ITS_WAY})`);
/** Of another run, beside which ours is weighed: what holds it up is all the same. */
const OTHER_RUN_STATE = runState(`entry.paused_at is not null or ${JOURNEY_STATUS} = 'paused'`);

const ENTRY_CONFLICT = `entry.conflict_group as "group", entry.conflict_priority as priority,
  ${ms('entry.entered_at')} as "enteredAt"`;

const OTHER_RUNS = list(`select other.run_key as "runKey", journey.key as "journeyKey", other."group", other.priority,
    other."enteredAt"
  from (select entry.run_key, entry.journey_id, ${ENTRY_CONFLICT}, ${OTHER_RUN_STATE} as state
    from journey_entries entry
    where entry.user_id = person.id and entry.clock_domain = $2 and entry.run_key <> $5
      and entry.conflict_group is not null and entry.ended_at is null
    order by entry.conflict_priority desc, entry.entered_at, entry.run_key limit ${RUNS_READ_MAX}) other
  join journeys journey on journey.id = other.journey_id
  where other.state = 'active' order by other.priority desc, other."enteredAt", other.run_key`);

/** What of the run itself is no rival: all of it, where it asks; else only what the question is about. */
const rivals = (isReplay: boolean): string =>
  list(`select entry.run_key as "runKey", journey.key as "journeyKey", pending.step_id as "stepId",
    ${OTHER_RUN_STATE} as "runState", pending.candidate, ${ms('pending.opening_at')} as opening,
    ${ms('pending.passes_on_at')} as "passesOnAt"
  from pending_candidates pending
  join journey_entries entry on entry.run_key = pending.run_key
  join journeys journey on journey.id = entry.journey_id
  where pending.user_id = person.id and pending.clock_domain = $2
    and not (pending.run_key = $5${isReplay ? ' and pending.step_id = $6 and pending.visit = $7' : ''})
    and pending.passes_on_at > moment.now
  order by pending.opening_at, pending.run_key limit ${RUNS_READ_MAX}`);

/** $5 the run, $6 the step, $7 the visit. */
const runWith = (isReplay: boolean): string => `(select row_to_json(item) from (
    select ${isReplay ? REPLAYED_RUN_STATE : RUN_STATE} as state, ${JOURNEY_STATUS} = 'paused' as "isJourneyPaused",
      case when entry.conflict_group is not null then
        (select row_to_json(conflict) from (select ${ENTRY_CONFLICT}) conflict) end as conflict,
      (select ${ms('min(asked_at)')} from step_answers where run_key = $5 and step_id = $6 and visit = $7) as "askedAt",
      (select beaten_by from pending_candidates where run_key = $5 and step_id = $6 and visit = $7) as "beatenBy",
      ${OTHER_RUNS} as "otherRuns", ${rivals(isReplay)} as rivals
    from journey_entries entry where entry.run_key = $5
  ) item)`;

const userWith = (more: string): string => `(select row_to_json(item) from (select person.id,
    person.external_id as "externalId", person.email,
    person.email_hash as "emailHash", person.name, person.phone, person.phone_hash as "phoneHash",
    person.lifecycle_stage as "lifecycleStage", person.timezone, person.context_timezone as "contextTimezone",
    person.locale, person.jurisdiction, person.preferred_channel as "preferredChannel", person.attributes,
    person.erased_at is not null as "isErased"${more}
    where person.id is not null) item)`;

/**
 * Of the devices that can be reached the one that was seen last, by preference where there is an account to send with.
 * Whether that account is paused is no matter: its messages wait, and do not go another way.
 */
const DEVICE = `left join lateral (
    select known.address, known.address_hash from user_devices known
    where known.user_id = person.id and known.state = 'active'
    order by known.platform = any (array(select kind from provider_accounts)) desc, known.last_seen_at desc, known.id desc
    limit 1) device on true`;
const OF_DEVICE = ', device.address as "pushAddress", device.address_hash as "pushHash"';

const holds = (condition: string): string =>
  `(select row_to_json(item) from (
    select ${ms('hold.since')} as since, ${ms('hold.until')} as until from user_holds hold
    where hold.user_id = person.id and (hold.until is null or hold.until > moment.now) and ${condition}
    order by hold.since desc limit 1) item)`;
const HOLD = holds('hold.lifted_at is null');
const HOLD_THEN = holds('hold.since <= moment.now and (hold.lifted_at is null or hold.lifted_at > moment.now)');

/** Of real time alone, as is what the guards count: a virtual clock would ask again and again as long as a pause lasts. */
const sendingPause = (condition: string): string =>
  `(select row_to_json(item) from (
    select domain, reason as cause, ${ms('since')} as since from sending_domains
    where domain = $4 and state = 'paused' and $2 = 'real'${condition}) item)`;
const SENDING_PAUSE = sendingPause('');
/** Pauses that are over are not kept. */
const SENDING_PAUSE_THEN = sendingPause(' and since <= moment.now');

const CONSENTS = list(`select id, purpose, channel, brand, status, basis, is_objection as "isObjection",
    ${ms('stated_at')} as "statedAt", ${ms('received_at')} as "receivedAt", ${ms('expires_at')} as "expiresAt"
  from consent_records where user_id = person.id and clock_domain in ('real', $2) order by id`);

const suppressions = (hashes: string, more: string, condition: string): string =>
  list(`select id, address_hash as "addressHash", channel, purpose, reason, ${ms('since')} as since,
      ${ms('until')} as until${more}
    from suppressions
    where (user_id = person.id or address_hash in (${hashes}))${condition} order by id`);
const suppressionsNow = (hashes: string): string => suppressions(hashes, '', ' and lifted_at is null');
const suppressionsEver = (hashes: string): string => suppressions(hashes, `, ${ms('lifted_at')} as "liftedAt"`, '');

const contactsSince = (horizon: string): string =>
  list(`select contact.decision_id as "decisionId", ${ms('contact.at')} as at, contact.channel, contact.purpose,
      contact.journey_key as "journeyKey", contact.action, contact.action_group as "group", contact.tags, contact.state
    from contact_ledger contact
    where contact.user_id = person.id and contact.clock_domain = $2 and contact.state <> 'released'
      and contact.at > moment.now - make_interval(secs => ${horizon}::float8 / 1000)
    order by contact.at desc, contact.delivery_id limit ${CONTACTS_READ_MAX}`);

const outcomesSince = (horizon: string): string =>
  list(`select outcome.decision_id as "decisionId", outcome.kind, ${ms('outcome.at')} as at, outcome.channel,
      outcome.purpose, outcome.action, outcome.action_group as "group"
    from contact_outcomes outcome
    where outcome.user_id = person.id and outcome.clock_domain = $2
      and outcome.at > moment.now - make_interval(secs => ${horizon}::float8 / 1000)
    order by outcome.at desc, outcome.delivery_id, outcome.kind limit ${OUTCOMES_READ_MAX}`);

/** What distinguishes one facts statement from another; what a decision does not need is not asked for. */
interface Shape {
  readonly by: UserReference['kind'];
  readonly hasRun: boolean;
  readonly isReplay: boolean;
  readonly hasContacts: boolean;
  readonly hasOutcomes: boolean;
  readonly hasLifted: boolean;
  readonly hasDevices: boolean;
}

/**
 * $1 is a list of people, in whose order the rows come; $5 to $7 are about a run, of which only one person is asked. The
 * list stands in a sub-select so that the planner expects the same of a short one as of any, and keeps its one plan:
 * planning anew costs more than all the rest.
 */
function factsText({ by, hasRun, isReplay, hasContacts, hasOutcomes, hasLifted, hasDevices }: Shape): string {
  const contacts = hasRun ? 8 : 5;
  const outcomes = hasContacts ? contacts + 1 : contacts;
  const [column, type] = by === 'id' ? ['id', 'uuid'] : ['external_id', 'text'];
  const hashes = `person.email_hash, person.phone_hash${hasDevices ? ', device.address_hash' : ''}`;
  return `
  with moment as materialized (select coalesce(to_timestamp($3::float8 / 1000), clock_timestamp()) as now)
  select ${ms('moment.now')} as now, controls.definitions_version as "definitionsVersion",
    controls.is_kill_switch_on as "isKillSwitchOn", ${userWith(hasDevices ? OF_DEVICE : '')} as "user",
    ${hasLifted ? SENDING_PAUSE_THEN : SENDING_PAUSE} as "sendingPause",
    ${hasLifted ? HOLD_THEN : HOLD} as hold, ${hasRun ? runWith(isReplay) : 'null::json'} as run,
    ${CONSENTS} as consents, ${(hasLifted ? suppressionsEver : suppressionsNow)(hashes)} as suppressions,
    ${hasContacts ? contactsSince(`$${contacts}`) : `'[]'::json`} as contacts,
    ${hasOutcomes ? outcomesSince(`$${outcomes}`) : `'[]'::json`} as outcomes
  from moment, controls, unnest((select $1::${type}[])) with ordinality as asked (reference, place)
  left join users person on person.${column} = asked.reference${hasDevices ? `\n  ${DEVICE}` : ''}
  where $2::text is not null
  order by asked.place`;
}

const texts = new Map<string, string>();

/** The statement of a shape under its name; there are a few dozen at most. */
function factsStatement(shape: Shape): { readonly name: string; readonly text: string } {
  const { by, hasRun, isReplay, hasContacts, hasOutcomes, hasLifted, hasDevices } = shape;
  const parts = [
    by,
    ...(hasRun ? [isReplay ? 'replay' : 'run'] : []),
    ...(hasContacts ? ['contacts'] : []),
    ...(hasOutcomes ? ['outcomes'] : []),
    ...(hasLifted ? ['lifted'] : []),
    ...(hasDevices ? ['devices'] : []),
  ];
  const name = `facts_${parts.join('_')}`;
  const text = texts.get(name) ?? factsText(shape);
  texts.set(name, text);
  return { name, text };
}

/** Reads facts from the tables of many features; writes none. */
@Injectable()
export class FactsRepository {
  /** Decisions that are asked for at one time share a statement. */
  private readonly batches: Batches<FactsQuery, Facts>;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Pick<Config, 'email'>,
  ) {
    this.batches = new Batches((queries) => this.loadAlike(queries), BATCHES);
  }

  /**
   * @param queryable the pool for a first opinion; for the claim a transaction that already holds the user's lock, so
   *   that this statement's snapshot and clock are both later than everything the lock's former holders wrote
   */
  async load(queryable: Queryable, query: FactsQuery): Promise<Facts> {
    const isAlone =
      queryable !== this.database || query.run !== null || query.now !== null || query.withLifted === true;
    if (!isAlone) return this.batches.add(query);
    const [facts] = await this.loadMany(queryable, [query.user], query);
    if (facts === undefined) throw new Error('the facts statement returned no row');
    return facts;
  }

  /** Those that ask the same of different people go together. Under way until all have been answered. */
  private async loadAlike(queries: readonly FactsQuery[]): Promise<readonly Promise<Facts>[]> {
    const places = [...queries.entries()];
    const groups = [...Map.groupBy(places, ([, query]) => kindOf(query)).values()].map((group) => ({
      group,
      loaded: this.loadMany(
        this.database,
        group.map(([, { user }]) => user),
        group[0]?.[1] as FactsQuery,
      ),
    }));
    await Promise.allSettled(groups.map(({ loaded }) => loaded));
    const results = new Map(
      groups.flatMap(({ group, loaded }) => group.map(([place], index) => [place, nth(loaded, index)] as const)),
    );
    return places.map(([place]) => results.get(place) as Promise<Facts>);
  }

  /** In one statement and one snapshot, in the order of `users`. @param users all named in the same way */
  async loadMany(
    queryable: Queryable,
    users: readonly UserReference[],
    { run, clockDomain, now, horizons, withLifted = false }: Omit<FactsQuery, 'user'>,
  ): Promise<readonly Facts[]> {
    const { contactsMs, outcomesMs, hasDevices = false } = horizons;
    const shape = {
      by: users[0]?.kind ?? 'id',
      hasRun: run !== null,
      isReplay: run?.isReplay === true,
      hasContacts: contactsMs > 0,
      hasOutcomes: outcomesMs > 0,
      hasLifted: withLifted,
      hasDevices,
    };
    return queryable.query<Facts>({
      ...factsStatement(shape),
      values: [
        users.map((user) => (user.kind === 'id' ? user.id : user.externalId)),
        clockDomain,
        now,
        domainOfSender(this.config),
        ...(run === null ? [] : [run.runKey, run.stepId, run.visit]),
        ...(contactsMs > 0 ? [contactsMs] : []),
        ...(outcomesMs > 0 ? [outcomesMs] : []),
      ],
    });
  }
}

/** Equal for questions that one statement can answer. */
const kindOf = ({ user, clockDomain, horizons }: FactsQuery): string =>
  [user.kind, clockDomain, horizons.contactsMs, horizons.outcomesMs, horizons.hasDevices].join(' ');

async function nth(loaded: Promise<readonly Facts[]>, index: number): Promise<Facts> {
  const facts = (await loaded)[index];
  if (facts === undefined) throw new Error('the facts statement returned too few rows');
  return facts;
}
