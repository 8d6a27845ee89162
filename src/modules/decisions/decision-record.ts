import { DECISION_ENGINE } from '../../core/decisions/decide.js';
import type { Candidate, CandidateScore, Decision, DecisionInput, GateVerdict } from '../../core/decisions/types.js';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import type { Outcome } from '../../core/fatigue/outcome.js';
import { assert } from '../../core/kernel/assert.js';
import type { Definitions, SharedInput } from './definitions.js';

/** Edition of the tz database by which local times are worked out, e.g. `2026a`: a new one may move a quiet hour. */
const ZONE_DATA = process.versions.tz ?? 'unknown';

/** What a record gives back: everything that is needed to make the decision again, bit for bit. */
export interface DecisionPayload {
  readonly input: DecisionInput;
  readonly decision: Decision;
}

/** A decision that was made under these definitions. */
export interface DecisionMade extends DecisionPayload {
  readonly definitions: Pick<Definitions, 'shared' | 'hash'>;
}

/** A row of values in the order of some fields: the names would take more room than the values. */
type Row = readonly unknown[];

/** A candidate as its place among the shared ones, with what differs from there; or the whole of it. */
type PackedCandidate = number | readonly [number, Partial<Candidate>] | Candidate;

interface PackedInput {
  readonly plain: Omit<DecisionInput, keyof SharedInput | 'contacts' | 'outcomes'>;
  readonly contacts: readonly Row[];
  readonly outcomes: readonly Row[];
  readonly candidates: readonly PackedCandidate[];
  /** By channel. */
  readonly addresses: Readonly<Record<string, string | null>>;
  /** Those of the journey, after the shared ones. */
  readonly quietRules: DecisionInput['quietRules'];
}

/** Which decision it is: beside the record in columns, and in the record so that the hash covers it. */
export interface DecisionIdentity {
  readonly id: string;
  readonly source: 'step' | 'api';
  readonly step: {
    readonly runKey: string;
    readonly stepId: string;
    readonly visit: number;
    readonly ask: number;
  } | null;
  readonly clockDomain: string;
}

/** A record that was read: whose it is, and by which rules and time zones it was made. */
export interface ReadRecord extends DecisionPayload {
  readonly identity: DecisionIdentity;
  /** Whether this process would make the same decision again: by the same engine, with the same data of time zones. */
  readonly isOfToday: boolean;
}

interface PackedRecord {
  readonly schema: 2;
  readonly engine: number;
  /** Edition of the tz database. Left out by engine 1. */
  readonly zoneData?: string;
  readonly identity: DecisionIdentity;
  /** SHA-256 of the shared part, in hex. */
  readonly definitions: string;
  readonly input: PackedInput;
  readonly decision: Omit<Decision, 'gates' | 'candidates'> & {
    readonly gates: readonly Row[];
    readonly candidates: readonly Row[];
  };
}

/** Names every field of T once: a field that is added to T and forgotten here does not compile. */
const fieldsOf = <T>(names: Record<keyof T, true>): readonly (keyof T)[] => Object.keys(names) as (keyof T)[];

const CONTACT = fieldsOf<Contact>({
  decisionId: true,
  at: true,
  channel: true,
  purpose: true,
  journeyKey: true,
  action: true,
  group: true,
  tags: true,
  state: true,
});
const OUTCOME = fieldsOf<Outcome>({
  decisionId: true,
  kind: true,
  at: true,
  channel: true,
  purpose: true,
  action: true,
  group: true,
});
const SCORE = fieldsOf<CandidateScore>({
  key: true,
  channel: true,
  propensity: true,
  context: true,
  value: true,
  levers: true,
  priority: true,
  channelCost: true,
  fatigueCost: true,
  net: true,
  lostBecause: true,
});
const CANDIDATE = fieldsOf<Candidate>({
  key: true,
  version: true,
  channel: true,
  template: true,
  templateVersion: true,
  renderFault: true,
  purpose: true,
  legalBasis: true,
  brand: true,
  tags: true,
  isActive: true,
  issue: true,
  group: true,
  eligibility: true,
  applicability: true,
  suitability: true,
  ttlMs: true,
  propensity: true,
  contextFactor: true,
  value: true,
  leverFactor: true,
  channelCost: true,
  costAskedBy: true,
  choice: true,
  addressHash: true,
});

/** What a gate says in most cases, which need not be written down each time. */
const PLAIN_PASS = { kind: 'pass', reason: null, rule: null, until: null, facts: {} } as const;

/** In place of the keys of all candidates. */
const EVERYBODY = '*';

/**
 * The text that is stored of a decision, and hashed: the same decision gives the same text. What is the same for
 * everybody is named by its hash; `readRecord` puts both together again.
 *
 * @throws AssertionError if the input does not rest on these definitions
 */
export function writeRecord(
  { input, decision, definitions }: DecisionMade,
  { id, source, step, clockDomain }: DecisionIdentity,
): string {
  const keys = input.candidates.map(({ key }) => key);
  const record: PackedRecord = {
    schema: 2,
    engine: DECISION_ENGINE,
    zoneData: ZONE_DATA,
    identity: { id, source, step: step === null ? null : stepOf(step), clockDomain },
    definitions: definitions.hash.toString('hex'),
    input: packInput(input, definitions.shared),
    decision: {
      ...decision,
      gates: decision.gates.map((verdict) => packVerdict(verdict, keys)),
      candidates: decision.candidates.map(packScore),
    },
  };
  return JSON.stringify(record);
}

/** What `writeRecord` was given, from its text and the body of the definitions that it names. */
export function readRecord(text: string, definitionsBody: string): ReadRecord {
  const { input: packed, decision, identity, engine, zoneData } = JSON.parse(text) as PackedRecord;
  const shared = JSON.parse(definitionsBody) as SharedInput;
  const candidates = packed.candidates.map((candidate) => unpackCandidate(candidate, packed, shared));
  const input: DecisionInput = {
    ...packed.plain,
    ...shared,
    candidates,
    quietRules: [...shared.quietRules, ...packed.quietRules],
    contacts: packed.contacts.map((row) => unpack<Contact>(CONTACT, row)),
    outcomes: packed.outcomes.map((row) => unpack<Outcome>(OUTCOME, row)),
  };
  const keys = candidates.map(({ key }) => key);
  const gates = decision.gates.map((row) => unpackVerdict(row as VerdictRow, keys));
  const scores = decision.candidates.map((row) => unpack<CandidateScore>(SCORE, row));
  const isOfToday = engine === DECISION_ENGINE && zoneData === ZONE_DATA;
  return { input, decision: { ...decision, gates, candidates: scores }, identity, isOfToday };
}

/** Nothing but these, in this order: the caller may hand over more. */
const stepOf = ({ runKey, stepId, visit, ask }: NonNullable<DecisionIdentity['step']>): DecisionIdentity['step'] => ({
  runKey,
  stepId,
  visit,
  ask,
});

function packInput(input: DecisionInput, shared: SharedInput): PackedInput {
  const { candidates } = input;
  assert(restsOn(input, shared), 'a decision on other definitions than those that its record names');
  const addresses: Record<string, string | null> = {};
  for (const { channel, addressHash } of candidates) addresses[channel] = addressHash;
  const places = placesOf(shared);
  return {
    plain: {
      now: input.now,
      readyAt: input.readyAt,
      user: input.user,
      isKillSwitchOn: input.isKillSwitchOn,
      ...(input.sendingPause === undefined ? {} : { sendingPause: input.sendingPause }),
      run: input.run,
      otherRuns: input.otherRuns,
      consents: input.consents,
      suppressions: input.suppressions,
      rivals: input.rivals,
      beatenBy: input.beatenBy,
    },
    contacts: input.contacts.map(packContact),
    outcomes: input.outcomes.map(packOutcome),
    candidates: candidates.map((candidate) => packCandidate(candidate, { addresses, places, shared })),
    addresses,
    quietRules: input.quietRules.slice(shared.quietRules.length),
  };
}

function restsOn(input: DecisionInput, shared: SharedInput): boolean {
  return (
    input.doNothingValue === shared.doNothingValue &&
    input.factors === shared.factors &&
    input.capRules === shared.capRules &&
    input.pauseRules === shared.pauseRules &&
    input.fatigueModel === shared.fatigueModel &&
    input.holdouts === shared.holdouts &&
    shared.quietRules.every((rule, index) => rule === input.quietRules[index])
  );
}

const knownPlaces = new WeakMap<SharedInput, ReadonlyMap<string, number>>();

/** Where each shared candidate stands, by key; worked out once for each version of the definitions. */
function placesOf(shared: SharedInput): ReadonlyMap<string, number> {
  const known = knownPlaces.get(shared);
  if (known !== undefined) return known;
  const places = new Map(shared.candidates.map(({ key }, place) => [key, place]));
  knownPlaces.set(shared, places);
  return places;
}

function packCandidate(
  candidate: Candidate,
  by: {
    readonly addresses: PackedInput['addresses'];
    readonly places: ReadonlyMap<string, number>;
    readonly shared: SharedInput;
  },
): PackedCandidate {
  const place = by.places.get(candidate.key);
  const base = place === undefined ? undefined : by.shared.candidates[place];
  if (place === undefined || base === undefined) return candidate;
  const differing: Record<string, unknown> = {};
  let isDifferent = false;
  for (const name of CANDIDATE) {
    const usual = name === 'addressHash' ? by.addresses[candidate.channel] : base[name];
    if (candidate[name] === usual) continue;
    differing[name] = candidate[name];
    isDifferent = true;
  }
  return isDifferent ? [place, differing] : place;
}

function unpackCandidate(packed: PackedCandidate, { addresses }: PackedInput, shared: SharedInput): Candidate {
  const [place, differing] =
    typeof packed === 'number' ? [packed, {}] : Array.isArray(packed) ? packed : [null, packed];
  if (place === null) return differing as Candidate;
  const base = shared.candidates[place as number];
  assert(base !== undefined, `no shared candidate at ${place}`);
  return { ...base, addressHash: addresses[base.channel] ?? null, ...(differing as Partial<Candidate>) };
}

type Who = GateVerdict['candidates'] | typeof EVERYBODY;
type VerdictRow =
  | readonly [gate: GateVerdict['gate'], who: Who]
  | readonly [
      gate: GateVerdict['gate'],
      who: Who,
      kind: GateVerdict['kind'],
      reason: GateVerdict['reason'],
      rule: GateVerdict['rule'],
      until: GateVerdict['until'],
      facts: GateVerdict['facts'],
    ];

function packVerdict(verdict: GateVerdict, keys: readonly string[]): VerdictRow {
  const { gate, candidates, kind, reason, rule, until, facts } = verdict;
  // A verdict names candidates in the order of the input, so as many as there are is all of them.
  const who = candidates?.length === keys.length ? EVERYBODY : candidates;
  const isPlain = kind === 'pass' && reason === null && rule === null && until === null && isEmpty(facts);
  return isPlain ? [gate, who] : [gate, who, kind, reason, rule, until, facts];
}

function unpackVerdict([gate, who, ...said]: VerdictRow, keys: readonly string[]): GateVerdict {
  const candidates = who === EVERYBODY ? keys : who;
  if (said.length === 0) return { gate, candidates, ...PLAIN_PASS };
  const [kind, reason, rule, until, facts] = said;
  return { gate, candidates, kind, reason, rule, until, facts };
}

function isEmpty(facts: GateVerdict['facts']): boolean {
  for (const _ in facts) return false;
  return true;
}

// In the order of the lists of fields above, and written out: this runs for every decision.
const packContact = (item: Contact): Row => [
  item.decisionId,
  item.at,
  item.channel,
  item.purpose,
  item.journeyKey,
  item.action,
  item.group,
  item.tags,
  item.state,
];
const packOutcome = (item: Outcome): Row => [
  item.decisionId,
  item.kind,
  item.at,
  item.channel,
  item.purpose,
  item.action,
  item.group,
];
const packScore = (item: CandidateScore): Row => [
  item.key,
  item.channel,
  item.propensity,
  item.context,
  item.value,
  item.levers,
  item.priority,
  item.channelCost,
  item.fatigueCost,
  item.net,
  item.lostBecause,
];

function unpack<T>(fields: readonly PropertyKey[], row: Row): T {
  return Object.fromEntries(fields.map((field, index) => [field, row[index]])) as T;
}
