import { unreachable } from '../kernel/assert.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { DecisionInput, GateName, GateVerdict } from './types.js';

/**
 * Whether sending is switched off altogether. It puts off and refuses nothing: messages that come due while an operator
 * looks for a fault are asked about again, and go out when sending is switched on, if they still may. Nobody knows when
 * that will be.
 */
export function gateKillSwitch({ isKillSwitchOn }: DecisionInput): GateVerdict {
  const isOff = verdict('kill_switch', isKillSwitchOn ? 'KILL_SWITCH' : null, {});
  return isKillSwitchOn ? { ...isOff, kind: 'defer' } : isOff;
}

/**
 * What operators hold up for one person, or for one journey: like the kill switch it puts off and refuses nothing,
 * whatever the message rests on. Gates that nobody closed say nothing.
 */
export function gateHolds({ user: { hold }, run, now }: DecisionInput): readonly GateVerdict[] {
  const isHeld = hold !== undefined && (hold.until === null || now < hold.until);
  const onHold = {
    ...verdict('user_hold', 'USER_ON_HOLD', { since: hold?.since ?? null }),
    until: hold?.until ?? null,
  };
  const paused = verdict('journey_pause', 'JOURNEY_PAUSED', { journeyKey: run?.journeyKey ?? null });
  const standing = [...(isHeld ? [onHold] : []), ...(run?.isJourneyPaused === true ? [paused] : [])];
  return standing.map((each) => ({ ...each, kind: 'defer' }));
}

/** Whether there is a person at all. An erased one is never contacted again, on no basis. */
export function gateIdentity(input: DecisionInput): GateVerdict {
  const { state, zones, zoneSource } = input.user;
  return verdict('identity', identityRefusal(state), { state, zones: zones.join(' '), zoneSource });
}

/** Whether the run that asks still goes on; the decision endpoint has none and passes. */
export function gateExit(input: DecisionInput): GateVerdict {
  if (input.run === null) return verdict('exit', null, {});
  return verdict('exit', exitRefusal(input.run.state), { state: input.run.state, runKey: input.run.runKey });
}

function identityRefusal(state: DecisionInput['user']['state']): ReasonCode | null {
  switch (state) {
    case 'known':
      return null;
    case 'unknown':
      return 'USER_UNKNOWN';
    case 'erased':
      return 'USER_ERASED';
    default:
      return unreachable(state);
  }
}

function exitRefusal(state: NonNullable<DecisionInput['run']>['state']): ReasonCode | null {
  switch (state) {
    case 'active':
      return null;
    case 'paused':
      return 'RUN_PAUSED';
    case 'exited':
      return 'RUN_EXITED';
    default:
      return unreachable(state);
  }
}

function verdict(gate: GateName, reason: ReasonCode | null, facts: GateVerdict['facts']): GateVerdict {
  return { gate, candidates: null, kind: reason === null ? 'pass' : 'refuse', reason, rule: null, until: null, facts };
}
