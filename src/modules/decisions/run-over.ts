// Of a row `entry` of journey_entries, beside a row `moment`; $2 is the clock domain.

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
