import { createHash } from 'node:crypto';
import type { ScheduleOptions } from '@temporalio/client';
import { parseDuration } from '../../core/kernel/duration.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { localDay } from '../../core/kernel/zone.js';
import { dateOfDay } from '../../core/kernel/local-date.js';
import type { ScheduleTrigger } from '../../core/journeys/triggers.js';
import { newId } from '../../platform/random/ids.js';
import { TRIGGER_FIRING_WORKFLOW, type TriggerFiringInput } from '../../../workflows/messages.js';
import type { NewBulk } from './bulk-enrolments.repository.js';

/** A schedule that a published journey has. */
export interface JourneySchedule {
  readonly journeyId: string;
  readonly journeyKey: string;
  readonly trigger: ScheduleTrigger;
}

const PREFIX = 'journey-trigger:';
/** UTC+14: no day begins earlier anywhere, so everybody's own time of this day is still to come. */
const FIRST_ZONE = 'Etc/GMT-14';
/** What was missed for longer, because the server was away, is left out. */
const CATCH_UP_WINDOW = '1 hour';
const PER_SECOND_DEFAULT = 50;

/** Tells one trigger of a journey from another, and from what it was before it was changed. */
export const fingerprintOf = (trigger: ScheduleTrigger): string =>
  createHash('sha256').update(canonicalJson(trigger)).digest('hex').slice(0, 16);

/** By this name the schedule is known to Temporal: another content is another schedule. */
export const scheduleIdOf = ({ journeyId, trigger }: JourneySchedule): string =>
  `${PREFIX}${journeyId}:${fingerprintOf(trigger)}`;

/** Whether a schedule is one of ours. */
export const isOurs = (scheduleId: string): boolean => scheduleId.startsWith(PREFIX);

/**
 * The schedule as Temporal is to keep it: none begins while the one before is still at work. One that comes meanwhile (no
 * worker was there, or the database was away) follows it and is not lost; of several, one.
 */
export function toSchedule(schedule: JourneySchedule, taskQueue: string): ScheduleOptions {
  const { journeyId, journeyKey, trigger } = schedule;
  const scheduleId = scheduleIdOf(schedule);
  const input: TriggerFiringInput = { journeyId, fingerprint: fingerprintOf(trigger) };
  return {
    scheduleId,
    spec: { ...timesOf(trigger), timezone: zoneOf(trigger) },
    policies: { overlap: 'BUFFER_ONE', catchupWindow: CATCH_UP_WINDOW },
    action: {
      type: 'startWorkflow',
      workflowType: TRIGGER_FIRING_WORKFLOW,
      workflowId: `firing:${journeyId}:${input.fingerprint}`,
      taskQueue,
      args: [input],
      staticSummary: `a schedule of ${journeyKey}`,
    },
  };
}

const zoneOf = ({ time_zone: zone }: ScheduleTrigger): string => (zone === 'user' ? FIRST_ZONE : zone);

function timesOf({ cron, at = '00:00', weekdays, day_of_month: dayOfMonth }: ScheduleTrigger): ScheduleOptions['spec'] {
  if (cron !== undefined) return { cronExpressions: [cron] };
  const dayOfWeek = weekdays?.map((day) => day.toUpperCase() as Uppercase<typeof day>);
  const days = {
    ...(dayOfWeek === undefined ? {} : { dayOfWeek }),
    ...(dayOfMonth === undefined ? {} : { dayOfMonth }),
  };
  return { calendars: [{ hour: Number(at.slice(0, 2)), minute: Number(at.slice(3)), ...days }] };
}

/** What one firing of a schedule orders; the same firing twice orders it once. */
export function toScheduledBulk(
  { journeyId, trigger }: Omit<JourneySchedule, 'journeyKey'>,
  scheduledAt: InstantMs,
): NewBulk {
  const { at = '00:00', spread } = trigger;
  const isByUser = trigger.time_zone === 'user';
  const instant = new Date(scheduledAt).toISOString();
  return {
    id: newId(),
    journeyId,
    source: 'schedule',
    condition: trigger.where,
    perSecond: trigger.per_second ?? PER_SECOND_DEFAULT,
    spreadMs: spread === undefined ? 0 : (parseDuration(spread) ?? 0),
    // Used by parallel journeys alone: there one user has one run for each firing.
    entryKey: instant.replaceAll(/[-:]/g, ''),
    startAt: scheduledAt,
    localMinute: isByUser ? Number(at.slice(0, 2)) * 60 + Number(at.slice(3)) : null,
    localDate: isByUser ? dateOfDay(localDay(FIRST_ZONE, scheduledAt)) : null,
    cause: `${fingerprintOf(trigger)}:${instant}`,
    createdBy: 'schedule',
    state: 'queued',
  };
}
