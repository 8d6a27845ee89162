/** Everything that can be wrong with the sense of a definition. The list is closed; the words are for its author. */
export const COMPILE_FAULTS = {
  bad_key: 'the key of the journey, an endpoint or another journey has another form than keys have',
  no_steps: 'there is no step',
  too_many_steps: 'there are more than 200 steps',
  bad_id: 'the id of a step has another form than ids have',
  duplicate_id: 'two steps have one id',
  bad_text: 'a name, event, reason or goal is no single line of 1 to 200 characters',
  bad_duration: 'a duration is none, is no time at all, or is longer than ten years',
  bad_time: 'a local time is not HH:MM from 00:00 to 23:59',
  bad_message: 'a message step names no template, a template beside `best`, or choices that are too few or alike',
  bad_actions: 'a decide step has no action, more than 50, or one twice',
  bad_context: 'the context of a decide step has more than 50 names',
  bad_condition: 'a condition is too deep or too large, or asks something that cannot be answered',
  bad_attribute: 'the path of an attribute leads nowhere, or to where nobody may write',
  bad_cool_down: 'a cool-down stands beside another mode than after_exit',
  bad_entry_limits: 'the limits on entries limit nothing, or one is no whole number from 1 to 1,000,000,000',
  bad_trigger: 'a trigger has a time, zone or key that is none or does not fit, or there are more than 20 of them',
  bad_exit_events: 'there are more than 50 exit events',
  bad_goal_events: 'there are more than 50 goals, or an exit event leaves nothing of one',
  bad_quiet_hours: 'quiet hours last no time or more than 20 hours',
  bad_conflict: 'the priority of a conflict group is out of range',
  bad_max_visits: 'max_visits is no number from 1 to 100, stands without on_max_visits, or leads to itself',
  bad_wait: 'a wait has not exactly one of duration, until and between, or two parts of it contradict each other',
  bad_events: 'a wait_for has not exactly one of event and events, too many events, or one that never gets its turn',
  bad_branches: 'a branch has not exactly one of condition and branches, or too many branches',
  bad_split: 'the arms of a split are fewer than 2, do not make 100 percent, or share a name',
  bad_set: 'an update_user sets nothing, too much, or the same place twice',
  bad_data: 'the data of a webhook have too many names, or one that is taken',
  bad_entry_key: 'an entry key has characters other than letters, digits, dot, hyphen and _',
  too_many_listeners: 'the journey has more than 100 different conditions on events',
  never_enters: 'a journey starts itself though its entry mode never lets it in',
  never_stops: 'a parallel journey starts itself without an entry key, and so again and again',
  no_next: 'no step follows in the list, and none is named',
  unknown_step: 'a step is named that does not exist',
  unreachable: 'no run can come to the step',
  no_end: 'from the step no end can be reached',
  spins: 'the step is on a cycle in which nothing makes a run wait',
} as const;

type CompileFaultCode = keyof typeof COMPILE_FAULTS;

/** What is wrong with a definition, and where: `path` is e.g. `steps[2].on_event`. */
export interface CompileFault {
  readonly path: string;
  readonly code: CompileFaultCode;
  readonly message: string;
}

/** Notes one fault. */
export type Report = (path: string, code: CompileFaultCode, message: string) => void;
