import { HOUR_MS } from '../../src/core/kernel/instant.js';
import { ANSWER_FAULTS } from './answer-faults.js';
import { inProtocol, onDecision, onInput, type PlantedFault } from './plant.js';
import { CORE } from './scene.js';

const CONSENT_FAULTS: readonly PlantedFault[] = [
  onInput('a withdrawal is not looked at', ['consent'], (input) => ({
    ...input,
    consents: input.consents.filter(({ status }) => status === 'granted'),
  })),
  onInput('a grant does not expire', ['consent'], (input) => ({
    ...input,
    consents: input.consents.map((record) => ({ ...record, expiresAt: null })),
  })),
  onInput('a late record with an older time undoes a newer one', ['consent', 'true_reason'], (input) => ({
    ...input,
    consents: input.consents.map((record) => ({ ...record, statedAt: record.receivedAt })),
  })),
  onInput('what the law implies never ends', ['consent'], (input) => ({
    ...input,
    consents: input.consents.map((one) => (one.basis === 'implied' ? { ...one, expiresAt: null } : one)),
  })),
  onInput('a sale or a law lifts what the person refused', ['consent'], (input) => ({
    ...input,
    consents: input.consents.map((one) => (one.basis === 'contract' ? one : { ...one, basis: 'consent' })),
  })),
  onInput('a contract is taken for a permission', ['consent'], (input) => ({
    ...input,
    consents: input.consents.map((one) => (one.basis === 'contract' ? { ...one, basis: 'consent' } : one)),
  })),
  onInput('statements about all channels are not read', ['consent', 'true_reason'], (input) => ({
    ...input,
    consents: input.consents.filter(({ channel }) => channel !== '*'),
  })),
  onInput('a suppression of the person is not read', ['suppression'], (input) => ({
    ...input,
    suppressions: input.suppressions.filter(({ addressHash }) => addressHash !== null),
  })),
  onInput('a suppression ends an hour early', ['suppression'], (input) => ({
    ...input,
    suppressions: input.suppressions.map((one) => ({ ...one, until: one.until === null ? null : one.until - HOUR_MS })),
  })),
  onInput('an erased person is taken for a known one', ['stopped'], ({ user, ...input }) => ({
    ...input,
    user: { ...user, state: 'known' },
    // What stays of the erasure would stop it too.
    suppressions: input.suppressions.filter(({ reason }) => reason !== 'erasure'),
    ...(input.run === null ? {} : { run: { ...input.run, state: 'active' } }),
  })),
];

const TIME_FAULTS: readonly PlantedFault[] = [
  onInput('the day is that of UTC', ['quiet_hours', 'caps', 'true_reason'], ({ user, ...input }) => ({
    ...input,
    user: { ...user, zones: ['UTC'] },
  })),
  onInput('of two zones the first is believed', ['quiet_hours', 'caps'], ({ user, ...input }) => ({
    ...input,
    user: { ...user, zones: user.zones.slice(0, 1) },
  })),
  onInput('the law of the place of a telephone number is not asked', ['quiet_hours'], ({ user, ...input }) => ({
    ...input,
    user: { ...user, jurisdictions: user.jurisdictions.slice(0, 1) },
  })),
  onInput('the law of another place is read on the own clock alone', ['quiet_hours'], ({ user, ...input }) => ({
    ...input,
    user: { ...user, placesElsewhere: [] },
  })),
  onInput('a quiet window ends a minute early', ['quiet_hours', 'true_reason'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({ ...rule, endMinute: (rule.endMinute + 1_439) % 1_440 })),
  })),
  onInput('a quiet window counts on the day on which it ends', ['quiet_hours', 'true_reason'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({
      ...rule,
      weekdays: rule.weekdays?.map((day) => (day % 7) + 1) ?? null,
    })),
  })),
  onDecision('the jitter has no bound', ['true_reason'], (decision) => {
    const { outcome } = decision;
    if (outcome.kind !== 'defer' || outcome.reason !== 'QUIET_HOURS') return decision;
    return { ...decision, outcome: { ...outcome, until: outcome.until + 11 * 60_000 } };
  }),
  onDecision('a wait ends a minute early', ['true_reason'], (decision) => {
    const { outcome } = decision;
    return outcome.kind === 'defer'
      ? { ...decision, outcome: { ...outcome, until: outcome.until - 60_000 } }
      : decision;
  }),
];

const CAP_FAULTS: readonly PlantedFault[] = [
  onInput('a limit lets one too many through', ['caps'], (input) => ({
    ...input,
    capRules: input.capRules.map((rule) =>
      rule.window.kind === 'min_gap' ? rule : { ...rule, limit: rule.limit + 1 },
    ),
  })),
  onInput('a limit stops one too early', ['true_reason'], (input) => ({
    ...input,
    capRules: input.capRules.map((rule) => ({
      ...rule,
      limit: rule.window.kind === 'min_gap' ? 1 : Math.max(rule.limit - 1, 0),
    })),
  })),
  onInput('a contact of unknown outcome gives its place back', ['caps'], (input) => ({
    ...input,
    contacts: input.contacts.filter(({ state }) => state !== 'unknown'),
  })),
  onInput('a contact that failed keeps its place', ['true_reason'], (input) => ({
    ...input,
    capRules: input.capRules.map((rule) => ({ ...rule, givesBackOn: [] })),
  })),
  onInput('contacts of other channels are not counted', ['caps'], (input) => ({
    ...input,
    contacts: input.contacts.filter(({ channel }) => input.candidates.some((one) => one.channel === channel)).slice(1),
  })),
  onInput('outcomes are not read', ['pause', 'fatigue', 'true_reason'], (input) => ({ ...input, outcomes: [] })),
  onInput('others that wait are not weighed', ['best_first'], (input) => ({ ...input, rivals: [] })),
  onInput('nobody is held out', ['holdout'], (input) => ({ ...input, holdouts: [] })),
  onInput('other runs of the group are not seen', ['conflict'], (input) => ({ ...input, otherRuns: [] })),
];

const RECORD_FAULTS: readonly PlantedFault[] = [
  {
    name: 'the answer depends on how often was asked',
    rules: ['reproducible'],
    options: () => {
      let asked = 0;
      return {
        core: {
          ...CORE,
          decide: (input) => {
            asked += 1;
            return CORE.decide(asked % 3 === 0 ? { ...input, doNothingValue: input.doNothingValue + 1e-9 } : input);
          },
        },
      };
    },
  },
  onDecision('a silence has no reason', ['silence'], (decision) => {
    const { outcome } = decision;
    return outcome.kind === 'do_nothing'
      ? { ...decision, outcome: { ...outcome, reason: undefined as never } }
      : decision;
  }),
  onDecision('a silence gives the wrong reason', ['true_reason'], (decision) => {
    const { outcome } = decision;
    if (outcome.kind !== 'do_nothing' || outcome.reason !== 'CONSENT_WITHDRAWN') return decision;
    return { ...decision, outcome: { ...outcome, reason: 'CAP_REACHED' } };
  }),
  onDecision('a wait ends at once', ['true_reason'], (decision, { now }) => {
    const { outcome } = decision;
    return outcome.kind === 'defer' ? { ...decision, outcome: { ...outcome, until: now } } : decision;
  }),
  onDecision('the record names another channel', ['one_record'], (decision) => {
    const { outcome } = decision;
    return outcome.kind === 'act' ? { ...decision, outcome: { ...outcome, channel: 'letter' } } : decision;
  }),
];

const PROTOCOL_FAULTS: readonly PlantedFault[] = [
  inProtocol('claims_on_first_opinion', ['consent', 'suppression', 'stopped', 'caps', 'quiet_hours', 'content']),
  inProtocol('kill_switch_read_early', ['stopped']),
  inProtocol('give_back_lost', ['true_reason']),
  inProtocol('reclaim_not_counted', ['caps', 'true_reason']),
  inProtocol('old_line_revived', ['ledger']),
  inProtocol('contacts_ahead_unseen', ['caps', 'true_reason']),
  inProtocol('suppressions_ahead_unseen', ['suppression']),
  inProtocol('sends_again_after_crash', ['provider_once']),
  inProtocol('question_asked_twice', ['provider_once', 'same_answer']),
  inProtocol('overdue_called_failed', ['books']),
  inProtocol('winner_not_told', ['losers_told']),
  inProtocol('dead_not_retried', ['finite']),
  inProtocol('answer_overwritten', ['same_answer']),
];

/** Every planted mistake. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  ...CONSENT_FAULTS,
  ...TIME_FAULTS,
  ...CAP_FAULTS,
  ...RECORD_FAULTS,
  ...PROTOCOL_FAULTS,
  ...ANSWER_FAULTS,
];
