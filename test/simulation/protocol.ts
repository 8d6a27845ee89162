import { canTransition, type DeliveryState } from '../../src/core/delivery/delivery-state.js';
import type { Candidate, Decision, DecisionInput } from '../../src/core/decisions/types.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { HOUR_MS, SECOND_MS } from '../../src/core/kernel/instant.js';
import { askedAtOf, readInput, type RenderFaults, type StepRequest } from './facts.js';
import { append, questionKey, visitKey, type DecisionRow, type DeliveryRow, type Question } from './model.js';
import { clockOf, count, type Scene } from './scene.js';

// One question of one run, as src/modules/steps answers it: known? decide, claim, send, record. Each `yield` is a place
// where time passes, others act, and the process may die; between two of them everything happens at once, as under a lock.

/** Where the process stands. */
export type Point = 'known' | 'prepared' | 'claimed' | 'calling' | 'called' | 'recorded';

const CLAIMS_MAX = 5;
const CLAIM_TO_SEND_MS_MAX = 500;
export const ATTEMPT_ALIVE_MS = 90 * SECOND_MS;
const PLACE_HELD_MS = 60 * SECOND_MS;
const ID_DIGITS = 7;

/** The activity fails and is asked again after so long: another attempt may be alive, or the facts kept changing. */
export class AskAgainError extends Error {
  readonly afterMs: number;

  constructor(why: string, afterMs: number) {
    super(why);
    this.afterMs = afterMs;
  }
}

interface Opinion {
  readonly input: DecisionInput;
  readonly decision: Decision;
}

interface Prepared extends Opinion {
  readonly faults: RenderFaults;
}

type Claimed =
  | { readonly kind: 'answered'; readonly answer: StepAnswer }
  | { readonly kind: 'claimed'; readonly delivery: DeliveryRow; readonly at: number }
  | { readonly kind: 'stale' };

/**
 * Answers one question.
 *
 * @yields wherever another process could step in; the provider's latency is part of the stay at `calling`
 * @throws AskAgainError when the question must be asked again later
 */
export function* runStep(scene: Scene, request: StepRequest): Generator<Point, StepAnswer, void> {
  const question = { runKey: request.run.runKey, stepId: request.step.id, visit: request.visit, ask: request.ask };
  const idempotencyKey = visitKey(question);
  for (let claim = 1; claim <= CLAIMS_MAX; claim += 1) {
    const known = scene.store.answers.get(questionKey(question))?.answer ?? null;
    if (known !== null && !scene.flaws.has('question_asked_twice')) return known;
    const earlier = scene.store.delivery(idempotencyKey);
    if (earlier !== null && earlier.state !== 'released' && !isForgotten(scene, earlier)) {
      return settle(scene, question, earlier);
    }
    yield 'known';
    const prepared = prepare(scene, request);
    yield 'prepared';
    const claimed = claimNow(scene, request, question, prepared);
    if (claimed.kind === 'answered') return claimed.answer;
    if (claimed.kind === 'stale') {
      count(scene, 'stale opinions');
      continue;
    }
    yield 'claimed';
    const answer = yield* send(scene, question, claimed);
    if (answer !== null) return answer;
  }
  throw new AskAgainError('the facts kept changing', SECOND_MS);
}

function isForgotten(scene: Scene, { state, deadlineAt }: DeliveryRow): boolean {
  return scene.flaws.has('sends_again_after_crash') && state === 'sending' && deadlineAt <= clockOf(scene);
}

function decideNow({ core }: Scene, input: DecisionInput): Opinion {
  return { input, decision: core.decide(input) };
}

/** A first opinion without the lock. Who cannot be rendered is out, and the rest is weighed again. */
function prepare(scene: Scene, request: StepRequest): Prepared {
  const faults = new Map<string, string>();
  for (;;) {
    const opinion = decideNow(scene, readInput(scene, request, faults));
    const chosen = chosenOf(opinion);
    if (chosen === null || !isUnrenderable(chosen, request.run.userId)) return { ...opinion, faults };
    faults.set(chosen.key, 'a part of the template is missing');
  }
}

/** Some templates cannot be rendered for some people. */
function isUnrenderable({ template }: Candidate, userId: string): boolean {
  return template.endsWith('-1') && userId.endsWith('3');
}

function chosenOf({ input, decision: { outcome } }: Opinion): Candidate | null {
  return outcome.kind === 'act' ? (input.candidates.find(({ key }) => key === outcome.action) ?? null) : null;
}

/** The transaction that decides for good, on facts that are read under the lock. */
function claimNow(scene: Scene, request: StepRequest, question: Question, first: Prepared): Claimed {
  const { store, flaws } = scene;
  const row = store.answers.get(questionKey(question));
  const earlier = store.delivery(visitKey(question));
  const isTaken = row?.answer != null || (earlier !== null && earlier.state !== 'released');
  if (isTaken && !flaws.has('question_asked_twice') && !(earlier !== null && isForgotten(scene, earlier))) {
    return { kind: 'stale' };
  }
  const opinion = flaws.has('claims_on_first_opinion') ? first : decideUnderLock(scene, request, first);
  const chosen = chosenOf(opinion);
  if (chosen === null) return { kind: 'answered', answer: recordSilence(scene, request, question, opinion) };
  const rendered = chosenOf(first);
  const isSame =
    rendered?.key === chosen.key &&
    rendered.templateVersion === chosen.templateVersion &&
    rendered.addressHash === chosen.addressHash;
  if (!isSame) return { kind: 'stale' };
  return { kind: 'claimed', delivery: recordContact(scene, request, question, { ...opinion, chosen }), at: scene.now };
}

function decideUnderLock(scene: Scene, request: StepRequest, first: Prepared): Opinion {
  const input = readInput(scene, request, first.faults);
  const { isKillSwitchOn } = scene.flaws.has('kill_switch_read_early') ? first.input : input;
  return decideNow(scene, { ...input, isKillSwitchOn });
}

function recordSilence(scene: Scene, request: StepRequest, question: Question, opinion: Opinion): StepAnswer {
  const { outcome } = opinion.decision;
  const { id: decisionId } = record(scene, request, question, opinion);
  keepPlace(scene, request, question, opinion);
  let answer: StepAnswer;
  if (outcome.kind === 'defer') {
    answer = { kind: 'defer', decisionId, reason: outcome.reason, until: outcome.until };
  } else if (outcome.kind === 'act') {
    throw new Error('an action is no silence');
  } else if (request.step.kind === 'decide') {
    answer = { kind: 'do_nothing', decisionId, reason: outcome.reason };
  } else {
    const passedOver = outcome.isPassedOver === true ? { isPassedOver: true as const } : {};
    answer = { kind: 'skip', decisionId, reason: outcome.reason, ...passedOver };
  }
  insertAnswer(scene, question, answer);
  return answer;
}

function keepPlace(scene: Scene, { run }: StepRequest, question: Question, { input, decision }: Opinion): void {
  const { outcome } = decision;
  if (outcome.kind === 'defer' && outcome.reason === 'LOWER_PRIORITY') return;
  const waiting = scene.core.waitingCandidate(input, decision);
  if (waiting === null) {
    scene.store.pending.delete(run.runKey);
    return;
  }
  const { candidate, opening, wakeAt } = waiting;
  const { stepId, visit } = question;
  const passesOnAt = wakeAt + PLACE_HELD_MS;
  const { runKey, userId } = run;
  scene.store.pending.set(runKey, { runKey, stepId, visit, userId, candidate, opening, passesOnAt, beatenBy: null });
}

function record(scene: Scene, request: StepRequest, question: Question, { input, decision }: Opinion): DecisionRow {
  const id = `d${String(scene.store.decisions.length + 1).padStart(ID_DIGITS, '0')}`;
  const { userId } = request.run;
  const row = { id, question, userId, input, decision };
  scene.store.decisions.push(row);
  scene.journal.decisions.push(row);
  scene.note(userId, () => `${questionKey(question)} ${id} ${JSON.stringify(decision.outcome)}`);
  return row;
}

function recordContact(
  scene: Scene,
  request: StepRequest,
  question: Question,
  { chosen, ...opinion }: Opinion & { readonly chosen: Candidate },
): DeliveryRow {
  const { store, flaws } = scene;
  const readyAt = Math.min(askedAtOf(scene, request) ?? opinion.input.now, opinion.input.now);
  const decision = record(scene, request, question, opinion);
  const idempotencyKey = visitKey(question);
  const earlier = store.delivery(idempotencyKey);
  const { userId, runKey, journeyKey } = request.run;
  const delivery: DeliveryRow = {
    ...{ idempotencyKey, userId, runKey, journeyKey, candidate: chosen, decisionId: decision.id },
    state: 'sending',
    attempt: (earlier?.attempt ?? 0) + 1,
    token: store.decisions.length,
    claimedAt: opinion.input.now,
    deadlineAt: clockOf(scene) + ATTEMPT_ALIVE_MS,
  };
  store.putDelivery(delivery);
  if (!(earlier !== null && flaws.has('reclaim_not_counted'))) writeLedger(scene, delivery);
  const hasWaited = store.pending.has(runKey);
  win(scene, delivery);
  insertAnswer(scene, question, null);
  scene.journal.claims.push({ delivery, decision, readyAt, hasWaited });
  return delivery;
}

function writeLedger({ store, flaws }: Scene, { candidate, ...delivery }: DeliveryRow): void {
  const { idempotencyKey, userId, journeyKey, decisionId, claimedAt: at, state } = delivery;
  const { key: action, channel, purpose, group, tags } = candidate;
  const line = { idempotencyKey, decisionId, at, channel, purpose, journeyKey, action, group, tags, state };
  // What rests on a contract uses up no quota, also where an attempt at something else was given back before.
  const isCounted = candidate.legalBasis === 'consent';
  if (!isCounted && flaws.has('old_line_revived')) return;
  const others = (store.ledger.get(userId) ?? []).filter((other) => other.idempotencyKey !== idempotencyKey);
  store.ledger.set(userId, isCounted ? [...others, line] : others);
}

/** Those who waited for the same opening are told who took the place. */
function win({ store, flaws }: Scene, { runKey, userId, decisionId, claimedAt }: DeliveryRow): void {
  if (!store.pending.delete(runKey) || flaws.has('winner_not_told')) return;
  for (const [key, row] of store.pending) {
    if (row.userId === userId && row.opening <= claimedAt) store.pending.set(key, { ...row, beatenBy: decisionId });
  }
}

function* send(
  scene: Scene,
  question: Question,
  { delivery, at }: Extract<Claimed, { kind: 'claimed' }>,
): Generator<Point, StepAnswer | null, void> {
  const { decisionId } = delivery;
  if (scene.now - at > CLAIM_TO_SEND_MS_MAX && !scene.flaws.has('claim_not_timed')) {
    count(scene, 'stale claims');
    settleAttempt(scene, delivery, 'released');
    return null;
  }
  const call = scene.provider.begin(delivery, scene.now);
  scene.journal.calls.push(call);
  scene.note(delivery.userId, () => `${call.idempotencyKey} is handed over: ${call.result}, taken: ${call.isTaken}`);
  yield 'calling';
  yield 'called';
  switch (call.result) {
    case 'accepted':
      settleAttempt(scene, delivery, 'sent');
      yield 'recorded';
      return storeAnswer(scene, question, sent(delivery));
    case 'rejected':
      settleAttempt(scene, delivery, 'failed');
      yield 'recorded';
      return storeAnswer(scene, question, { kind: 'skip', decisionId, reason: 'PROVIDER_REJECTED' });
    case 'unavailable': {
      settleAttempt(scene, delivery, 'released');
      yield 'recorded';
      const until = delivery.claimedAt + Math.min(30 * SECOND_MS * 2 ** Math.min(delivery.attempt - 1, 10), HOUR_MS);
      return storeAnswer(scene, question, { kind: 'defer', decisionId, reason: 'PROVIDER_UNAVAILABLE', until });
    }
    case 'unknown':
      settleAttempt(scene, delivery, 'unknown');
      yield 'recorded';
      return storeAnswer(scene, question, unknown(delivery));
  }
}

/** States that can be heard of a message before its own attempt has its answer. */
const HEARD: readonly DeliveryState[] = ['sent', 'failed', 'delivered', 'bounced', 'complained'];

/** Records how an attempt ended; only the one that claimed may. @throws AskAgainError when it is not open any more */
function settleAttempt(scene: Scene, { idempotencyKey, token }: DeliveryRow, state: DeliveryState): void {
  const row = scene.store.delivery(idempotencyKey);
  const isOpen = row?.token === token && (canTransition(row.state, state) || HEARD.includes(row.state));
  if (row === null || !(isOpen || (row.token === token && row.state === state))) {
    throw new AskAgainError('the attempt is not open any more', SECOND_MS);
  }
  if (!canTransition(row.state, state)) return;
  if (state === 'released' && scene.flaws.has('give_back_lost')) {
    // The place is free again, and its line in the ledger does not know.
    scene.store.putDelivery({ ...row, state });
    return;
  }
  scene.store.moveDelivery(row, state);
}

/** Ends the doubt about an attempt whose process died. */
export function settleOverdue(scene: Scene, idempotencyKey: string): DeliveryRow | null {
  const row = scene.store.delivery(idempotencyKey);
  if (row?.state === 'sending' && row.deadlineAt < clockOf(scene)) {
    count(scene, 'overdue attempts');
    scene.store.moveDelivery(row, scene.flaws.has('overdue_called_failed') ? 'failed' : 'unknown');
  }
  return scene.store.delivery(idempotencyKey);
}

/** An earlier attempt exists: its outcome is the answer, and nothing is sent. */
function settle(scene: Scene, question: Question, found: DeliveryRow): StepAnswer {
  const aliveForMs = found.deadlineAt - clockOf(scene);
  if (found.state === 'sending' && aliveForMs > 0) throw new AskAgainError('an attempt may be alive', aliveForMs);
  const row = settleOverdue(scene, found.idempotencyKey) ?? found;
  switch (row.state) {
    case 'sent':
    case 'delivered':
    case 'bounced':
    case 'complained':
      return storeAnswer(scene, question, sent(row));
    case 'failed':
      return storeAnswer(scene, question, { kind: 'skip', decisionId: row.decisionId, reason: 'PROVIDER_REJECTED' });
    case 'unknown':
      return storeAnswer(scene, question, unknown(row));
    case 'sending':
    case 'released':
      throw new AskAgainError(`the delivery is ${row.state} again`, SECOND_MS);
  }
}

function sent({ decisionId, idempotencyKey: deliveryId, candidate }: DeliveryRow): StepAnswer {
  return { kind: 'sent', decisionId, deliveryId, action: candidate.key };
}

function unknown({ decisionId, idempotencyKey: deliveryId }: DeliveryRow): StepAnswer {
  return { kind: 'unknown', decisionId, deliveryId, reason: 'OUTCOME_UNKNOWN' };
}

/** Writes the question with its decision; one whose attempt was given back is written anew. */
function insertAnswer(scene: Scene, question: Question, answer: StepAnswer | null): void {
  const row = scene.store.answers.get(questionKey(question));
  if (row?.answer != null) return;
  scene.store.answers.set(questionKey(question), { ...question, answer, askedAt: row?.askedAt ?? clockOf(scene) });
}

/** Stores the answer unless one is there, and returns the one that holds. */
function storeAnswer(scene: Scene, question: Question, answer: StepAnswer): StepAnswer {
  const key = questionKey(question);
  const row = scene.store.answers.get(key);
  if (row === undefined) return answer;
  const held = scene.flaws.has('answer_overwritten') ? answer : (row.answer ?? answer);
  scene.store.answers.set(key, { ...row, answer: held });
  return held;
}

/** Adds an outcome once, and moves the delivery where the table of states allows it. */
export function hear(
  scene: Scene,
  idempotencyKey: string,
  kind: 'delivered' | 'bounced' | 'complained' | 'opened' | 'clicked' | 'dismissed' | 'ignored' | 'unsubscribed',
): void {
  const row = scene.store.delivery(idempotencyKey);
  if (row === null) return;
  const { userId, decisionId, candidate } = row;
  const known = scene.store.outcomes.get(userId) ?? [];
  if (!known.some((other) => other.kind === kind && other.decisionId === decisionId)) {
    const { channel, purpose, key: action, group } = candidate;
    append(scene.store.outcomes, userId, { decisionId, kind, at: clockOf(scene), channel, purpose, action, group });
  }
  const isState = kind === 'delivered' || kind === 'bounced' || kind === 'complained';
  if (isState && canTransition(row.state, kind)) scene.store.moveDelivery(row, kind);
}
