// Of a row `entry` of journey_entries, as SQL.

/** Where the run's journey stands. */
export const JOURNEY_STATUS = '(select journey.status from journeys journey where journey.id = entry.journey_id)';

/**
 * Whether a run is to do nothing any more: it or its journey was ended, or an event that ends it has come in. The run
 * itself may hear of it later.
 *
 * @param at.domain of the run, and `now` the instant of the question, both as SQL
 * @param isEnded whether its end was recorded
 */
export const isRunOver = (
  { domain, now }: { readonly domain: string; readonly now: string },
  isEnded = 'entry.ended_at is not null',
): string => `(entry.exit_requested_at is not null or ${isEnded} or exists (
      select from run_waits wait
      join events event on event.user_id = wait.user_id and event.event_name = wait.event_name
      where wait.run_key = entry.run_key and wait.is_exit and event.clock_domain in ('real', ${domain})
        and event.occurred_at > entry.entered_at and event.occurred_at <= ${now})
      or ${JOURNEY_STATUS} in ('stopped', 'archived'))`;

// From here on beside a row `moment`; $2 is the clock domain.

/** Events that end runs of the version, whatever is in them: who is in doubt takes them for exits. */
const ENDING_EVENTS = `select jsonb_array_elements_text(coalesce(version.plan -> 'exitEvents', '[]'))
    union select watch ->> 'event' from jsonb_array_elements(coalesce(version.plan -> 'watches', '[]')) watch`;

/**
 * Whether a run that is over came to its end by itself: it went all its way, or ended because a provider refused the very
 * message. Not where it reached a goal, nor where something has happened since that would have ended it: then nobody
 * wants its messages any more.
 */
export const WENT_ITS_WAY = `exists (
    select from journey_runs run
    join journey_versions version on version.journey_id = entry.journey_id and version.version = entry.version
    where run.run_key = entry.run_key
      and (run.state = 'completed' and coalesce(run.reason, '') not like 'goal:%'
        or run.state = 'exited' and run.reason = 'refused:PROVIDER_REJECTED')
      and not exists (select from run_goals reached where reached.run_key = entry.run_key)
      and not exists (
        select from events event
        where event.user_id = entry.user_id and event.event_name in (${ENDING_EVENTS})
          and event.clock_domain in ('real', $2)
          and event.occurred_at > entry.entered_at and event.occurred_at <= moment.now))`;
