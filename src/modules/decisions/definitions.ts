import { createHash } from 'node:crypto';
import type { Condition, Scalar } from '../../core/audiences/condition.js';
import type { Candidate } from '../../core/decisions/types.js';
import { isPersonChannel } from '../../core/delivery/person-channel.js';
import { assert } from '../../core/kernel/assert.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { parseDuration } from '../../core/kernel/duration.js';
import type { LegalBasis } from '../../core/kernel/legal-basis.js';
import { toRules, type Levers, type Rules } from '../policies/index.js';
import { outermost, pathsOf } from './attributes.js';
import { horizonsOf, type Horizons } from './horizons.js';

/** The head of a template's latest version. */
export interface TemplateFacts {
  readonly key: string;
  readonly version: number;
  readonly channel: string;
  readonly purpose: string;
  readonly legalBasis: LegalBasis;
  readonly brand: string;
  readonly tags: readonly string[];
}

/** Added to an action's context weight where the context of the question has this value under this key. */
interface ContextWeight {
  readonly key: string;
  readonly value: Scalar;
  readonly weight: number;
}

/** An action as it is stored. */
export interface ActionFacts {
  readonly key: string;
  readonly version: number;
  readonly channel: string;
  readonly template: string;
  readonly tags: readonly string[];
  readonly isActive: boolean;
  readonly issue: string | null;
  readonly group: string | null;
  readonly eligibility: Condition | null;
  readonly applicability: Condition | null;
  readonly suitability: Condition | null;
  /** ISO 8601 duration. */
  readonly ttl: string | null;
  readonly propensity: number;
  readonly contextWeight: number;
  readonly contextWeights: readonly ContextWeight[];
  readonly value: number;
  readonly leverWeight: number;
  readonly channelCost: number;
}

/** The account that is the first to carry the messages of a channel. */
interface Carrier {
  readonly channel: string;
  /** Its key. */
  readonly account: string;
  /** Of one message, or of one part of a text; null: nobody said. */
  readonly cost: number | null;
}

/** Accounts of a kind that send, and whether one of them is not paused. */
interface Senders {
  readonly channel: string;
  readonly kind: string;
  readonly isActive: boolean;
}

/** Everything that decisions rest on beside the person, read at one instant. */
export interface StoredDefinitions {
  /** `controls.definitions_version` at that instant. */
  readonly version: number;
  readonly policies: readonly { readonly key: string; readonly version: number; readonly definition: unknown }[];
  readonly actions: readonly ActionFacts[];
  readonly templates: readonly TemplateFacts[];
  /** One for a channel at most; left out: none. */
  readonly carriers?: readonly Carrier[];
  /** Left out: none. */
  readonly senders?: readonly Senders[];
}

/** The part of a decision's input that is the same for everybody. It is stored once, under its hash. */
export interface SharedInput extends Omit<Rules, 'levers'> {
  /** The active actions, as candidates for nobody in particular: without address, context or fault. */
  readonly candidates: readonly Candidate[];
}

/** An action as a candidate, with what its context factor is made of. */
export interface ActionCandidate {
  readonly candidate: Candidate;
  readonly contextWeight: number;
  readonly contextWeights: readonly ContextWeight[];
  /** Attributes that its conditions test. */
  readonly paths: readonly string[];
}

/** One version of the definitions, parsed once for many decisions. */
export interface Definitions {
  readonly version: number;
  readonly shared: SharedInput;
  /** By key, inactive ones too. */
  readonly actions: ReadonlyMap<string, ActionCandidate>;
  /** In the order of their keys. */
  readonly activeKeys: readonly string[];
  /** Attributes that the conditions of active actions test. */
  readonly activePaths: readonly string[];
  readonly templates: ReadonlyMap<string, TemplateFacts>;
  /** What the account that is asked first wants for a message, by channel; null: it does not say. */
  readonly costs: ReadonlyMap<string, number | null>;
  readonly senders: readonly Senders[];
  readonly horizons: Horizons;
  readonly body: string;
  /** SHA-256 of `body`. */
  readonly hash: Buffer;
}

const PERCENT = 100;
/**
 * Weights are each above -100, but their sum need not be. Weights rank; they forbid nothing: an action that is weighed
 * down all the way comes last, and is still worth more than a silence worth 0.
 */
const FACTOR_MIN = 1e-4;
/** Goes to a device, about which nothing is read where no template is for it. */
const PUSH_CHANNEL = 'push';
/** With more active actions than this the decision endpoint wants them named. */
export const ACTIONS_WEIGHED_MAX = 1_000;

/** Makes the definitions of one version ready for decisions. Pure; the same rows give the same body and hash. */
export function toDefinitions({
  version,
  policies,
  actions,
  templates,
  carriers = [],
  senders = [],
}: StoredDefinitions): Definitions {
  const { levers, ...rules } = toRules(policies);
  const heads = new Map(templates.map((template) => [template.key, template]));
  const candidates = new Map(
    actions.map((action) => {
      const carrier = carriers.find(({ channel }) => channel === action.channel);
      return [action.key, toActionCandidate(action, heads.get(action.template), { levers, carrier })];
    }),
  );
  const active = actions.filter(({ isActive }) => isActive).flatMap(({ key }) => candidates.get(key) ?? []);
  const isTooMany = active.length > ACTIONS_WEIGHED_MAX;
  const isPushed = templates.some(({ channel }) => channel === PUSH_CHANNEL);
  const shared = { ...rules, candidates: isTooMany ? [] : active.map(({ candidate }) => candidate) };
  const body = canonicalJson(shared);
  return {
    version,
    shared,
    actions: candidates,
    activeKeys: active.map(({ candidate }) => candidate.key),
    activePaths: outermost(active.flatMap(({ paths }) => paths)),
    templates: heads,
    senders,
    costs: new Map(carriers.map(({ channel, cost }) => [channel, cost])),
    horizons: { ...horizonsOf(rules), ...(isPushed ? { hasDevices: true } : {}) },
    body,
    hash: createHash('sha256').update(body).digest(),
  };
}

/**
 * Whether somebody carries messages of a channel now, as deliveries choose their accounts: e-mail goes by the mail server of
 * the settings until an account for it is registered, a notification by an account for the platform of the device.
 *
 * @param platform of the person's device; null: there is none
 */
export function isCarried(senders: readonly Senders[], channel: string, platform: string | null): boolean {
  const own = senders.filter((sender) => sender.channel === channel);
  if (isPersonChannel(channel) || (channel === 'email' && own.length === 0)) return true;
  return own.some(({ isActive, kind }) => isActive && (channel !== PUSH_CHANNEL || kind === platform));
}

/** A message step weighs its one message with every factor at 1. */
export function templateCandidate(key: string, template: TemplateFacts | undefined): Candidate {
  return { ...PLAIN, ...contentOf(template), key, template: key };
}

/** An action that a journey names and nobody knows any more is refused like an inactive one. */
export function missingCandidate(key: string): Candidate {
  return { ...templateCandidate(key, undefined), isActive: false };
}

/** C = 1 + (the action's own and the matched weights) / 100, but at least 0.0001. */
export function contextFactor(
  { contextWeight, contextWeights }: Pick<ActionCandidate, 'contextWeight' | 'contextWeights'>,
  context: Readonly<Record<string, Scalar>>,
): number {
  const matched = contextWeights.filter(({ key, value }) => Object.hasOwn(context, key) && context[key] === value);
  return toFactor(matched.reduce((sum, { weight }) => sum + weight, contextWeight));
}

const toFactor = (weight: number): number => Math.max(1 + weight / PERCENT, FACTOR_MIN);

const PLAIN = {
  version: 1,
  renderFault: null,
  isActive: true,
  issue: null,
  group: null,
  eligibility: null,
  applicability: null,
  suitability: null,
  ttlMs: null,
  propensity: 1,
  contextFactor: 1,
  value: 1,
  leverFactor: 1,
  channelCost: 0,
  addressHash: null,
} as const;

type Content = Pick<Candidate, 'channel' | 'templateVersion' | 'purpose' | 'legalBasis' | 'brand' | 'tags'>;

/** What a template that does not exist is taken for: the candidate is refused, whatever stands here. */
const NO_CONTENT: Content = {
  channel: 'email',
  templateVersion: null,
  purpose: 'marketing',
  legalBasis: 'consent',
  brand: 'default',
  tags: [],
};

function contentOf(template: TemplateFacts | undefined): Content {
  if (template === undefined) return NO_CONTENT;
  const { channel, version, purpose, legalBasis, brand, tags } = template;
  return { channel, templateVersion: version, purpose, legalBasis, brand, tags };
}

function toActionCandidate(
  action: ActionFacts,
  template: TemplateFacts | undefined,
  { levers, carrier }: { readonly levers: Levers; readonly carrier: Carrier | undefined },
): ActionCandidate {
  const { contextWeight, contextWeights, leverWeight, ttl, ...own } = action;
  const content = contentOf(template);
  const candidate = {
    ...own,
    ...content,
    channel: own.channel,
    tags: [...new Set([...own.tags, ...content.tags])],
    renderFault: null,
    ttlMs: toMs(ttl),
    contextFactor: contextFactor({ contextWeight, contextWeights }, {}),
    leverFactor: toFactor(leverWeight + weightOf(levers.issues, own.issue) + weightOf(levers.groups, own.group)),
    addressHash: null,
    ...costOf(carrier),
  };
  const paths = pathsOf([own.eligibility, own.applicability, own.suitability]);
  return { candidate, contextWeight, contextWeights, paths };
}

/** What the account asks counts in place of what the action says. */
function costOf(carrier: Carrier | undefined): Pick<Candidate, 'channelCost' | 'costAskedBy'> | undefined {
  if (carrier === undefined || carrier.cost === null) return undefined;
  return { channelCost: carrier.cost, costAskedBy: carrier.account };
}

function weightOf(weights: Readonly<Record<string, number>>, name: string | null): number {
  return name !== null && Object.hasOwn(weights, name) ? (weights[name] ?? 0) : 0;
}

function toMs(ttl: string | null): number | null {
  if (ttl === null) return null;
  const ms = parseDuration(ttl);
  assert(ms !== null, `a stored duration has no length: ${ttl}`);
  return ms;
}
