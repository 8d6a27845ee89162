import { gateCaps } from '../fatigue/gate-caps.js';
import type { Contact } from '../fatigue/cap-rule.js';
import { fatigueCost, gateCandidate, isOpen, newMemos } from './assess.js';
import { compareKeys, compareWorth, scoreCandidate } from './arbitrate.js';
import { capQuestion } from './final-gates.js';
import { PASS, type GateAnswer } from './gate-answer.js';
import type { Candidate, DecisionInput, Rival, ScoredCandidate } from './types.js';

/** One message that wants a place now: ours, or a rival's. */
interface Contender {
  readonly runKey: string;
  readonly journeyKey: string | null;
  readonly candidate: Candidate;
  readonly score: ScoredCandidate;
  readonly rival: Rival | null;
}

/**
 * Several messages of one person that waited for the same opening under one cap: the one that is worth most goes first,
 * not the one that woke first. Who is worth more is asked of all gates as it stands now; places are then taken in that
 * order until ours is reached. If no room is left for it, it waits until the better one has come or has passed its
 * place on.
 *
 * Rivals whose opening lies ahead, whose run has stopped, or who did not come in time do not count.
 */
export function gatePendingCandidates(input: DecisionInput, candidate: Candidate): GateAnswer {
  const { now, run } = input;
  const rivals = input.rivals.filter(
    ({ runState, opening, passesOnAt }) => runState === 'active' && opening <= now && now < passesOnAt,
  );
  if (run === null || rivals.length === 0 || candidate.legalBasis === 'contract') return PASS;
  const own = contenderOf(input, { runKey: run.runKey, journeyKey: run.journeyKey, candidate }, null);
  const better = rivals
    .filter((rival) => mayGo(input, rival))
    .map((rival) => contenderOf(input, rival, rival))
    .filter((other) => compareContenders(other, own) < 0)
    .sort(compareContenders);
  const before = takePlaces(input, better);
  const asked = capQuestion(input, candidate, own.journeyKey);
  const answer = gateCaps({ ...asked, contacts: newestFirst([...before.contacts, ...asked.contacts]) });
  const [best] = before.placed;
  if (answer.kind === 'pass' || best === undefined || best.rival === null) return PASS;
  return {
    kind: 'defer',
    reason: 'LOWER_PRIORITY',
    rule: null,
    until: Math.max(...before.placed.map(({ rival }) => rival?.passesOnAt ?? now)),
    facts: {
      otherJourney: best.journeyKey,
      otherRunKey: best.runKey,
      otherAction: best.candidate.key,
      otherNet: best.score.net,
      net: own.score.net,
    },
  };
}

function contenderOf(
  input: DecisionInput,
  named: { readonly runKey: string; readonly journeyKey: string; readonly candidate: Candidate },
  rival: Rival | null,
): Contender {
  const { runKey, journeyKey, candidate } = named;
  const score = scoreCandidate(candidate, { factors: input.factors, fatigueCost: fatigueCost(input) });
  return { runKey, journeyKey, candidate, score, rival };
}

function compareContenders(left: Contender, right: Contender): number {
  // The same action in two runs: the smaller run key, so that both runs see the same order.
  return (
    compareWorth(left.score, right.score) ||
    compareKeys(left.score, right.score) ||
    (left.runKey < right.runKey ? -1 : 1)
  );
}

/**
 * Whether the gates would let the rival's message out now. Its journey's own quiet hours and its time to live were asked
 * when its opening was foreseen, and ours say nothing about it: should it be too late by now, ours waits a minute in vain.
 */
function mayGo(input: DecisionInput, { candidate, runKey, journeyKey }: Rival): boolean {
  const asRival: DecisionInput = {
    ...input,
    run: { runKey, journeyKey, state: 'active', conflict: null },
    quietRules: input.quietRules.filter(({ origin }) => origin !== 'journey'),
    readyAt: input.now,
  };
  return isOpen(gateCandidate(asRival, candidate, newMemos()));
}

/** Those who find room under the caps, one after the other, and the contacts that they would be. */
function takePlaces(
  input: DecisionInput,
  contenders: readonly Contender[],
): { readonly placed: readonly Contender[]; readonly contacts: readonly Contact[] } {
  const placed: Contender[] = [];
  const contacts: Contact[] = [];
  for (const contender of contenders) {
    const asked = capQuestion(input, contender.candidate, contender.journeyKey);
    const answer = gateCaps({ ...asked, contacts: newestFirst([...contacts, ...asked.contacts]) });
    if (answer.kind !== 'pass') continue;
    placed.push(contender);
    contacts.push(contactOf(contender, input.now));
  }
  return { placed, contacts };
}

function contactOf({ candidate, journeyKey, runKey }: Contender, now: number): Contact {
  const { key: action, channel, purpose, group, tags } = candidate;
  return { decisionId: runKey, at: now, channel, purpose, journeyKey, action, group, tags, state: 'sending' };
}

function newestFirst(contacts: readonly Contact[]): readonly Contact[] {
  return [...contacts].sort((left, right) => right.at - left.at);
}
