import type { Holdout } from '../../core/decisions/types.js';
import type { OutcomeKind } from '../../core/fatigue/outcome.js';
import { previewFatigue } from '../../core/fatigue/preview-fatigue.js';
import { previewPause } from '../../core/fatigue/preview-pause.js';
import { previewRule } from '../../core/fatigue/preview-rule.js';
import { capReachMs, fatigueReachMs, pauseReachMs } from '../../core/fatigue/reach.js';
import { unreachable } from '../../core/kernel/assert.js';
import type { DurationMs } from '../../core/kernel/instant.js';
import { assignmentFraction } from '../../core/kernel/stable-hash.js';
import { findQuiet } from '../../core/quiet-hours/next-allowed-instant.js';
import type { placesElsewhere } from '../../core/users/places-elsewhere.js';
import type { Cap, Fatigue, Pause } from './contact-definitions.dto.js';
import type { PreviewRequest } from './preview.dto.js';
import type { PastContact, PastOutcome } from './preview.repository.js';
import type { LegalOverlay, QuietHours } from './quiet-definitions.dto.js';
import { toCapRule, toFatigueModel, toHoldout, toPauseRule, toQuietRule } from './to-rules.js';

const RULE = { id: 'preview', version: 1 };

/** Where a person is taken to be. */
export interface Place {
  readonly zones: readonly string[];
  readonly jurisdictions: readonly string[];
  readonly placesElsewhere: ReturnType<typeof placesElsewhere>;
}

/** Everything of one user that is looked at. */
interface PastOfUser {
  readonly userId: string;
  readonly contacts: readonly PastContact[];
  /** Of the kinds that the judge asks for. */
  readonly outcomes: readonly PastOutcome[];
  readonly place: Place;
}

/** Which of one user's contacts a rule would have stopped. */
export interface Judge {
  readonly stopped: (past: PastOfUser) => readonly PastContact[];
  /** How far before the period contacts and outcomes matter to it. */
  readonly reachMs: DurationMs;
  /** Outcomes that it goes by; none: by contacts alone. */
  readonly outcomes: readonly OutcomeKind[];
}

/** Asks of past contacts what the gates of a decision would have asked under this rule alone. */
export function judgeOf(definition: PreviewRequest['definition']): Judge {
  switch (definition.kind) {
    case 'cap':
      return capJudge(definition);
    case 'quiet_hours':
    case 'legal_overlay':
      return quietJudge(definition);
    case 'pause':
      return pauseJudge(definition);
    case 'fatigue':
      return fatigueJudge(definition);
    case 'holdout':
      return holdoutJudge(toHoldout(RULE, definition));
    default:
      return unreachable(definition);
  }
}

function capJudge(definition: Cap): Judge {
  const rule = toCapRule(RULE, definition);
  return {
    stopped: ({ contacts, place }) => previewRule({ rule, contacts, zones: place.zones }),
    reachMs: capReachMs(rule),
    outcomes: [],
  };
}

function quietJudge(definition: QuietHours | LegalOverlay): Judge {
  const rules = [{ ...toQuietRule(RULE, definition), effectiveFrom: null, effectiveUntil: null }];
  return {
    stopped: ({ contacts, place }) =>
      contacts.filter(({ channel, purpose, at }) => findQuiet({ rules, ...place, channel, purpose, at }) !== null),
    reachMs: 0,
    outcomes: [],
  };
}

function pauseJudge(definition: Pause): Judge {
  const rule = toPauseRule(RULE, definition);
  return {
    stopped: (past) => previewPause({ ...past, rule }),
    reachMs: pauseReachMs(rule),
    outcomes: rule.outcomes,
  };
}

function fatigueJudge(definition: Fatigue): Judge {
  const model = toFatigueModel(RULE, definition);
  return {
    stopped: (past) => previewFatigue({ ...past, model }),
    reachMs: fatigueReachMs(model),
    outcomes: Object.keys(model.outcomeWeights) as OutcomeKind[],
  };
}

function holdoutJudge({ salt, share, purposes }: Holdout): Judge {
  return {
    stopped: ({ userId, contacts }) =>
      assignmentFraction(salt, userId) < share ? contacts.filter(({ purpose }) => purposes.includes(purpose)) : [],
    reachMs: 0,
    outcomes: [],
  };
}
