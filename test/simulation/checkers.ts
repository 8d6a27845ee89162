import { explainDecision } from '../../src/core/decisions/explain.js';
import { REASONS, type ReasonCode } from '../../src/core/kernel/reasons.js';
import { answerIsRight } from './check-answer.js';
import { bestFirst, losersAreTold } from './check-best-first.js';
import { capFactsAreTrue } from './check-cap-facts.js';
import { changesAreTrue } from './check-changes.js';
import { isReasonTrue, isWaitRight } from './check-reasons.js';
import type { StepRequest } from './facts.js';
import { questionKey, visitKey, type DecisionRow } from './model.js';
import { objectionsTo } from './oracle/objections.js';
import type { RunActor } from './runs.js';
import { count, type Scene } from './scene.js';

/** A rule that was broken, and how. */
export interface Violation {
  readonly rule: string;
  readonly text: string;
  readonly userId: string;
}

type Checker = (scene: Scene) => Violation | null;

/** Questions of one visit that nothing but timers causes: the interpreter gives up after a hundred. */
const TIMER_ASKS_MAX = 101;
const BAD_WORDS = /undefined|null|NaN|Infinity|\[object/;
/** To decide a record again costs as much as to decide it: so many of them are. */
const REPEATED_ONE_IN = 8;

const CHECKERS: readonly Checker[] = [
  contactsAreAllowed,
  sendsHaveOneRecord,
  silencesAreExplained,
  nothingIsSentTwice,
  recordsAreReproducible,
  questionsHaveOneAnswer,
  bestFirst,
  losersAreTold,
  answerIsRight,
  capFactsAreTrue,
  changesAreTrue,
  booksMatchTheProvider,
  ledgerMatchesDeliveries,
];

/** What the last tick broke; null when all is well. */
export function checkTick(scene: Scene): Violation | null {
  const { decisions, claims, calls, answers } = scene.journal;
  if (decisions.length + claims.length + calls.length + answers.length === 0) return null;
  for (const check of CHECKERS) {
    const violation = check(scene);
    if (violation !== null && isWatched(scene, violation.rule)) return violation;
  }
  return null;
}

const isWatched = ({ watched }: Scene, rule: string): boolean => watched?.has(rule) ?? true;

/** At the end every run is over, or waits for something that will come. */
export function checkEnd(
  scene: Scene,
  runs: readonly RunActor[],
  isUnderWay: (request: StepRequest) => boolean,
): Violation | null {
  for (const run of isWatched(scene, 'finite') ? runs : []) {
    const row = scene.store.run(run.runKey);
    const { userId } = row;
    const { command, sleepsUntil, asking, request } = run;
    const broken = (text: string): Violation => ({ rule: 'finite', text: `${run.runKey} ${text}`, userId });
    if (asking.asks > TIMER_ASKS_MAX + asking.pushes) return broken(`asked ${asking.asks} times in one visit`);
    if (command === null) return broken('never began');
    if (command.kind === 'run_step' && (request === null || !isUnderWay(request))) return broken('asks nobody');
    if (command.kind === 'sleep' && !Number.isFinite(sleepsUntil ?? Number.NaN)) return broken('sleeps for ever');
    if (command.kind === 'end') count(scene, 'runs ended');
  }
  return null;
}

/** Rules 1-3, 7-9 of the list in README.md, and what else stands against a contact: asked of every claim. */
function contactsAreAllowed(scene: Scene): Violation | null {
  const { store, journal } = scene;
  for (const { delivery, readyAt } of journal.claims) {
    const { userId, runKey, candidate, claimedAt: now, idempotencyKey: without } = delivery;
    const objections = objectionsTo({ store, run: store.run(runKey), candidate, readyAt, now, without });
    for (const [rule, text] of objections) {
      if (!isWatched(scene, rule)) continue;
      return { rule, text: `${delivery.idempotencyKey} claimed ${candidate.key} though ${text}`, userId };
    }
  }
  return null;
}

/** One `act` record for each claim, naming the very contact, and none without a claim. */
function sendsHaveOneRecord({ journal, store }: Scene): Violation | null {
  const acts = journal.decisions.filter(({ decision }) => decision.outcome.kind === 'act');
  for (const { id, userId, question } of acts) {
    const claims = journal.claims.filter(({ delivery }) => delivery.decisionId === id);
    if (claims.length === 1) continue;
    return { rule: 'one_record', text: `${questionKey(question)}: ${id} acts for ${claims.length} claims`, userId };
  }
  for (const { delivery, decision } of journal.claims) {
    const { outcome } = decision.decision;
    const isNamed = outcome.kind === 'act' && outcome.action === delivery.candidate.key;
    const isStored = store.decisions.includes(decision);
    if (isNamed && isStored && outcome.channel === delivery.candidate.channel) continue;
    return {
      rule: 'one_record',
      text: `${delivery.idempotencyKey} has no record that says so`,
      userId: delivery.userId,
    };
  }
  return null;
}

function silencesAreExplained(scene: Scene): Violation | null {
  for (const row of scene.journal.decisions) {
    const { decision, input, userId, id } = row;
    const { outcome } = decision;
    const broken = (text: string): Violation => ({ rule: 'silence', text: `${id} ${text}`, userId });
    const sentence = explainDecision(decision, { decidedAt: input.now });
    if (sentence.length < 20 || BAD_WORDS.test(sentence)) return broken(`is explained as: ${sentence}`);
    const kind = outcome.kind === 'act' ? 'act' : `${outcome.kind} ${outcome.reason}`;
    count(scene, kind);
    if (outcome.kind === 'act') continue;
    if (!Object.hasOwn(REASONS, outcome.reason)) return broken(`gives no reason of the list: ${outcome.reason}`);
    const untruth = untruthIn(scene, row, outcome.reason);
    if (untruth !== null) return { rule: 'true_reason', text: `${id} ${untruth}`, userId };
  }
  return null;
}

function untruthIn(scene: Scene, row: DecisionRow, reason: ReasonCode): string | null {
  const { outcome } = row.decision;
  if (!isReasonTrue(scene, row, reason)) return `says ${reason}, and that is not so`;
  return outcome.kind === 'defer' ? isWaitRight(scene, row, outcome) : null;
}

/** Never a call after one that was taken, or may have been; never two at once. */
function nothingIsSentTwice({ journal, provider }: Scene): Violation | null {
  for (const call of journal.calls) {
    const { userId } = call.delivery;
    const earlier = (provider.calls.get(call.idempotencyKey) ?? []).filter((other) => other !== call);
    for (const { result, at, latencyMs } of earlier) {
      if (result === 'unavailable' && at + latencyMs <= call.at) continue;
      return { rule: 'provider_once', text: `${call.idempotencyKey} went to the provider twice`, userId };
    }
  }
  return null;
}

/** A stored record, read back and decided again, gives the same text. */
function recordsAreReproducible({ journal, core }: Scene): Violation | null {
  for (const { id, userId, input, decision } of journal.decisions) {
    if (Number(id.slice(1)) % REPEATED_ONE_IN !== 0) continue;
    const again = JSON.stringify(core.decide(JSON.parse(JSON.stringify(input))));
    if (again === JSON.stringify(decision)) continue;
    return { rule: 'reproducible', text: `${id} was decided otherwise when it was decided again`, userId };
  }
  return null;
}

const firstAnswers = new WeakMap<Scene, Map<string, string>>();

function questionsHaveOneAnswer(scene: Scene): Violation | null {
  const known = firstAnswers.get(scene) ?? new Map<string, string>();
  firstAnswers.set(scene, known);
  for (const { question, answer } of scene.journal.answers) {
    const key = questionKey(question);
    const text = JSON.stringify(answer);
    const first = known.get(key);
    known.set(key, first ?? text);
    if (first === undefined || first === text) continue;
    const { userId } = scene.store.run(question.runKey);
    return { rule: 'same_answer', text: `${key} was answered ${first}, and then ${text}`, userId };
  }
  return null;
}

/** What is written of a delivery when its question is answered is what the provider knows, or says that nobody knows. */
function booksMatchTheProvider({ journal, provider, store }: Scene): Violation | null {
  for (const { question, answer } of journal.answers) {
    // A slow process may bring an answer whose run has asked again since then.
    if (store.answers.has(questionKey({ ...question, ask: question.ask + 1 }))) continue;
    const { userId } = store.run(question.runKey);
    const key = visitKey(question);
    const isTaken = (provider.calls.get(key) ?? []).some((call) => call.isTaken);
    const state = store.delivery(key)?.state ?? 'none';
    const broken = (text: string): Violation => ({ rule: 'books', text: `${key} ${text}`, userId });
    if (answer.kind === 'sent' && !isTaken) return broken('is answered as sent, and was not');
    if (isTaken && ['none', 'failed', 'released'].includes(state)) return broken(`went out, and its state is ${state}`);
    // One that is put off asks again, and then hears what became of the message that another process got out meanwhile.
    const isFinal = answer.kind === 'skip' || answer.kind === 'do_nothing';
    if (isFinal && isTaken) return broken(`went out, and is answered as ${answer.kind}`);
  }
  return null;
}

/** The ledger, which limits are counted from, holds exactly the contacts that rest on consent and were not given back. */
function ledgerMatchesDeliveries({ journal, store }: Scene): Violation | null {
  for (const { userId } of [...journal.decisions, ...journal.calls.map(({ delivery }) => delivery)]) {
    const lines = (store.ledger.get(userId) ?? [])
      .filter(({ state }) => state !== 'released')
      .map(({ idempotencyKey, decisionId, action, at, state }) =>
        [idempotencyKey, decisionId, action, at, state].join(' '),
      );
    const made = store
      .deliveriesOf(userId)
      .filter(({ state, candidate }) => state !== 'released' && candidate.legalBasis === 'consent')
      .map(({ idempotencyKey, decisionId, candidate, claimedAt, state }) =>
        [idempotencyKey, decisionId, candidate.key, claimedAt, state].join(' '),
      );
    if (lines.sort().join() === made.sort().join()) continue;
    return { rule: 'ledger', text: `the ledger says ${lines.join()}, the deliveries ${made.join()}`, userId };
  }
  return null;
}
